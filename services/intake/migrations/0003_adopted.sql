-- After a restore, when the log is as far as its topics: what the door's own tables must not do again.
create or replace function adopted() returns void language plpgsql as $$
begin
    -- A number that stands in a receipt is not drawn again.
    insert into codes (counter, day, last)
    select counter, day, max(number) from (
        select convert_from(data, 'UTF8')::jsonb ->> 'counter', to_date(part[1], 'YYMMDD'), part[2]::integer
        from events cross join lateral regexp_match(subject, '-(\d{6})-(\d{4,9})$') as part
        where type = 'ApplicationReceived' and version = 1 and part is not null
    ) as received (counter, day, number) group by counter, day
    on conflict (counter, day) do update set last = greatest(codes.last, excluded.last);

    -- A submission that was received is not received again.
    insert into receipts (submission, case_id)
    select submission, subject from (
        select convert_from(data, 'UTF8')::jsonb ->> 'submission', subject from events
        where type = 'ApplicationReceived' and version = 1
    ) as received (submission, subject) where submission is not null
    on conflict (submission) do nothing;

    -- What other systems were refused, and why in a word; the sentences were kept nowhere else.
    insert into refused (stream, source, id, body_hash, rule, field, detail)
    select stream, it ->> 'source', it ->> 'event', decode(it ->> 'body', 'hex'), it ->> 'rule', it ->> 'field',
        'the sentence was lost with a database; the rule says why'
    from events cross join lateral (select convert_from(data, 'UTF8')::jsonb) as d (it) where type = 'EventRefused'
    on conflict (stream) do nothing;

    -- Messages: what was delivered, or failed for good, is not sent again. What has no result may have been sent in the
    -- time that was lost: its call is taken for one whose answer nobody knows, so it is said to be in doubt, and marked
    -- as perhaps repeated when it is sent. The follower that fills the queue has nothing left to do up to here.
    insert into bookmarks (name) values ('intake.outgoing') on conflict do nothing;
    insert into outgoing (message_id, case_id, addressee, template, about)
    select it ->> 'message_id', it ->> 'case_id', it ->> 'to', it ->> 'template', it ->> 'about'
    from bookmarks b join events e on (e.epoch, e.tx, e.position) > (b.epoch, b.tx, b.position)
    cross join lateral (select convert_from(e.data, 'UTF8')::jsonb) as d (it)
    where b.name = 'intake.outgoing' and e.type = 'MessagePrepared'
    on conflict (message_id) do nothing;
    delete from outgoing o where exists (
        select from events e where e.stream = 'message-' || o.message_id and e.type in ('MessageDelivered', 'MessageFailed')
    );
    update outgoing o set state = 'calling', attempts = 1 + greatest(attempts, (
        select count(*) from events e where e.stream = 'message-' || o.message_id and e.type = 'MessageInDoubt'
    ));
    update bookmarks b set epoch = e.epoch, tx = e.tx, position = e.position
    from (select epoch, tx, position from events order by epoch desc, tx desc, position desc limit 1) as e
    where b.name = 'intake.outgoing';
end $$;
