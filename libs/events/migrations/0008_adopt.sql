-- What bringing a restored log up to its topics needs of the database (events/regain.py, events/adopt.py).

-- Facts that were said after a restore and before anybody adopted the log stand among old transaction numbers, behind
-- readers who are past these. They get a place after everything else. It is the one change that a row of the log may
-- see, and no change of what it says: neither its data nor its hash know where it stands.
create function place_last(_streams text[], _versions integer[]) returns void language plpgsql as $$
declare
    one record;
begin
    alter table events disable trigger events_append_only;
    for one in select * from unnest(_streams, _versions) as u (stream, version) order by stream, version loop
        update events set epoch = (select epoch from cluster), tx = pg_current_xact_id(), position = default
        where stream = one.stream and version = one.version;
    end loop;
    alter table events enable trigger events_append_only;
end $$;

-- What a service's own tables need once its log and its inbox are as far as the topics; a service replaces it.
create function adopted() returns void language plpgsql as $$
begin
end $$;
