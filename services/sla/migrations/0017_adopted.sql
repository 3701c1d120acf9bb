-- After a restore, when inbox and log are as far as the topics: what SLA's own tables need.
create or replace function adopted() returns void language plpgsql as $$
declare
    judge bookmarks%rowtype;
begin
    -- What was published about a case is further than the judge. Step by step it would take back, and say again, what
    -- was said; so it stands at the end, and each case of which something came is looked at once, with all its facts.
    -- Its timers are made then; the old ones would warn of what is over.
    insert into bookmarks (name) values ('sla.judge') on conflict do nothing;
    select * into strict judge from bookmarks where name = 'sla.judge' and shard = 0;
    with heard as (
        select distinct subject from inbox where (epoch, tx, position) > (judge.epoch, judge.tx, judge.position)
    ), untimed as (delete from timers where case_id in (select subject from heard))
    insert into holes (epoch, subject) select epoch, subject from cluster, heard order by subject;
    update bookmarks b set epoch = i.epoch, tx = i.tx, position = i.position
    from (select epoch, tx, position from inbox order by epoch desc, tx desc, position desc limit 1) as i
    where b.name = 'sla.judge' and (i.epoch, i.tx, i.position) > (b.epoch, b.tx, b.position);

    -- Numbers that others have seen are not given again: the revision of a status, which is a position here, and the
    -- number of a generation. Of the former nobody kept the last: no backup is a thousand million changes old.
    perform setval(pg_get_serial_sequence('changes', 'position'),
                   (select coalesce(max(position), 0) + 1000000000 from changes));
    perform setval(pg_get_serial_sequence('generations', 'id'), greatest(
        (select max(id) from generations),
        (select max(substring(stream from '^generation-(\d+)$')::integer) from events where stream like 'generation-%')
    ));

    -- Remedial actions stand in facts alone.
    insert into remedies (id, unit, kind, since, until, why, solved, overdue, due, opened_at)
    select substring(stream from length('remedy-') + 1), it ->> 'unit', it ->> 'kind', (it ->> 'since')::date,
        (it ->> 'until')::date, it ->> 'why', (it ->> 'solved')::integer, (it ->> 'overdue')::integer,
        (it ->> 'due')::date, at
    from events cross join lateral (select convert_from(data, 'UTF8')::jsonb) as d (it)
    where type = 'RemedialActionOpened'
    on conflict (id) do nothing;
    update remedies set closed_at = c.at, outcome = c.it ->> 'outcome', evidence = c.it ->> 'evidence'
    from (select stream, at, convert_from(data, 'UTF8')::jsonb from events where type = 'RemedialActionClosed') as c (stream, at, it)
    where c.stream = 'remedy-' || remedies.id and closed_at is null;
end $$;
