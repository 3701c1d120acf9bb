-- Many new streams at once, as another system's batch makes them, in one statement instead of one for each row.

-- As before where any of the facts follows another of its stream: its hash needs the one before it.
create or replace function append(
    _epoch integer, _streams text[], _versions integer[], _subjects text[], _types text[], _schemas smallint[],
    _datas bytea[], _ats timestamptz[], _recorded timestamptz[], _actors text[], _correlations text[],
    _causations text[], _traces text[], out moments timestamptz[], out hashes bytea[]
) language plpgsql as $$
declare
    head   bytea;
    mine   xid8;
    clock  timestamptz;
    moment timestamptz;
begin
    if pg_current_xact_id_if_assigned() is not null and exists (
        select from unnest(_streams, _versions) as s (stream, version) group by stream having min(version) > 1
    ) then
        raise exception 'append must be the first write of its transaction' using errcode = 'OD001';
    end if;
    if current_setting('onedoor.appended', true) = 'yes' then
        raise exception 'a transaction appends once' using errcode = 'OD002';
    end if;
    perform set_config('onedoor.appended', 'yes', true);

    mine := pg_current_xact_id();
    clock := clock_timestamp();  -- after the number: a watermark read before a later snapshot can then trust it
    if cardinality(_streams) > 1 and 1 = all (_versions) then
        with said as materialized (
            select s.*, coalesce(s.recorded, clock) as recorded_at, link(
                '', s.stream, 1, s.type, s.schema, s.at, coalesce(s.recorded, clock), s.actor, s.correlation,
                s.causation, s.data
            ) as hash
            from unnest(_streams, _subjects, _types, _schemas, _datas, _ats, _recorded, _actors, _correlations,
                        _causations, _traces) with ordinality
                as s (stream, subject, type, schema, data, at, recorded, actor, correlation, causation, trace, number)
        ), kept as (
            insert into events (epoch, tx, stream, version, subject, type, schema, at, recorded_at,
                                actor, correlation, causation, trace, data, hash)
            select _epoch, mine, stream, 1, subject, type, schema, at, recorded_at,
                   actor, correlation, causation, trace, data, hash
            from said order by number
        )
        select array_agg(recorded_at order by number), array_agg(hash order by number) into moments, hashes from said;
        return;
    end if;
    hashes := '{}';
    moments := '{}';
    for i in 1 .. cardinality(_streams) loop
        if _versions[i] = 1 then
            head := '';
        elsif i = 1 or _streams[i] <> _streams[i - 1] then
            select e.hash into head from events e where e.stream = _streams[i] and e.version = _versions[i] - 1;
            if not found then
                raise exception '% is not at version %', _streams[i], _versions[i] - 1 using errcode = 'OD003';
            end if;
        end if;
        moment := coalesce(_recorded[i], clock);
        head := link(head, _streams[i], _versions[i], _types[i], _schemas[i], _ats[i], moment,
                     _actors[i], _correlations[i], _causations[i], _datas[i]);
        insert into events (epoch, tx, stream, version, subject, type, schema, at, recorded_at,
                            actor, correlation, causation, trace, data, hash)
        values (_epoch, mine, _streams[i], _versions[i], _subjects[i], _types[i], _schemas[i], _ats[i], moment,
                _actors[i], _correlations[i], _causations[i], _traces[i], _datas[i], head);
        hashes := hashes || head;
        moments := moments || moment;
    end loop;
end $$;
