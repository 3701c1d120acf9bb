-- Many new streams at once, as another system's batch makes them, in one statement instead of one for each row. Whatever
-- follows a fact of its stream needs the hash of the one before it, and is appended in turn, as before.
alter function append(
    integer, text[], integer[], text[], text[], smallint[], bytea[], timestamptz[], timestamptz[], text[], text[], text[],
    text[]
) rename to append_in_turn;

create function append(
    _epoch integer, _streams text[], _versions integer[], _subjects text[], _types text[], _schemas smallint[],
    _datas bytea[], _ats timestamptz[], _recorded timestamptz[], _actors text[], _correlations text[],
    _causations text[], _traces text[], out moments timestamptz[], out hashes bytea[]
) language plpgsql as $$
declare
    mine  xid8;
    clock timestamptz;
begin
    if cardinality(_streams) < 2 or 1 <> any (_versions) then
        select a.moments, a.hashes into moments, hashes from append_in_turn(
            _epoch, _streams, _versions, _subjects, _types, _schemas, _datas, _ats, _recorded, _actors, _correlations,
            _causations, _traces
        ) as a;
        return;
    end if;
    if current_setting('onedoor.appended', true) = 'yes' then
        raise exception 'a transaction appends once' using errcode = 'OD002';
    end if;
    perform set_config('onedoor.appended', 'yes', true);

    mine := pg_current_xact_id();
    clock := clock_timestamp();  -- after the number, as in append_in_turn
    with said as materialized (
        select s.*, coalesce(s.recorded, clock) as recorded_at, link(
            '', s.stream, 1, s.type, s.schema, s.at, coalesce(s.recorded, clock), s.actor, s.correlation, s.causation,
            s.data
        ) as hash
        from unnest(_streams, _subjects, _types, _schemas, _datas, _ats, _recorded, _actors, _correlations, _causations,
                    _traces) with ordinality
            as s (stream, subject, type, schema, data, at, recorded, actor, correlation, causation, trace, number)
    ), kept as (
        insert into events (epoch, tx, stream, version, subject, type, schema, at, recorded_at,
                            actor, correlation, causation, trace, data, hash)
        select _epoch, mine, stream, 1, subject, type, schema, at, recorded_at,
               actor, correlation, causation, trace, data, hash
        from said order by number
    )
    select array_agg(recorded_at order by number), array_agg(hash order by number) into moments, hashes from said;
end $$;
