-- The cases whose rows a swap exchanged for different ones, as a log: a follower publishes them in bounded batches.
-- Only a swap writes here, in the transaction that exchanges the generations.
create table differences (
    epoch    integer not null,
    tx       xid8    not null default pg_current_xact_id(),
    position bigint  generated always as identity primary key,
    subject  text    not null,   -- the case
    data     bytea   not null    -- the stream of the swap, `generation-…`
);
create unique index differences_in_order on differences (epoch, tx, position);

-- What the follower that went by the swaps themselves had not published yet.
insert into differences (epoch, subject, data)
select (select epoch from cluster), case_id, convert_to(e.stream, 'UTF8')
from bookmarks b
join events e on e.type = 'GenerationSwapped' and (e.epoch, e.tx, e.position) > (b.epoch, b.tx, b.position)
join generations g on e.stream = 'generation-' || g.id, jsonb_array_elements_text(g.differences) as case_id
where b.name = 'sla.certified';
delete from bookmarks where name = 'sla.certified';
