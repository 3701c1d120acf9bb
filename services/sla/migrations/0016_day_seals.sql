-- One seal a day over the heads of all streams that gained facts: the root of a Merkle tree (merkle.py), in a signed
-- document that names the seal before it (dayseal.py). The leaves are not kept: a seal and those before it cover every
-- row up to its marks that was recorded before its day ended, and its own are those that no seal before it covers.
create table day_seals (
    number           integer     primary key,      -- 1, 2, … without a gap
    day              date        not null unique,  -- the local day; a day on which nothing was recorded has none
    ends             timestamptz not null,         -- the first instant after the day
    inbox_epoch      integer     not null,         -- what was kept in the inbox when it was made
    inbox_tx         xid8        not null,
    inbox_position   bigint      not null,
    events_epoch     integer     not null,         -- the same of our own log
    events_tx        xid8        not null,
    events_position  bigint      not null,
    inbox_from       text        not null,         -- up to where all is sealed, so that the next one need not look
    events_from      text        not null,         -- further back: epoch/tx/position
    digest           text        not null,         -- SHA-256 of the document, by which the next seal names this one
    document         bytea       not null          -- signed, as JSON
);
create index day_seals_inbox on day_seals (inbox_epoch, inbox_tx, inbox_position, number);
create index day_seals_events on day_seals (events_epoch, events_tx, events_position, number);
create trigger day_seals_append_only before update or delete or truncate on day_seals
    for each statement execute function forbid();
