-- One seal a day over the heads of all streams that gained facts: the root of a Merkle tree (merkle.py), in a signed
-- document that names the seal before it (dayseal.py). The leaves are not kept: the marks say of which rows they are.
create table day_seals (
    number          integer primary key,      -- 1, 2, … without a gap
    day             date    not null unique,  -- the local day; a day on which nothing was recorded has none
    inbox_epoch     integer not null,         -- up to where the inbox is sealed
    inbox_tx        xid8    not null,
    inbox_position  bigint  not null,
    events_epoch    integer not null,         -- up to where our own log is sealed
    events_tx       xid8    not null,
    events_position bigint  not null,
    digest          text    not null,         -- SHA-256 of the document, by which the next seal names this one
    document        bytea   not null          -- signed, as JSON
);
create index day_seals_inbox on day_seals (inbox_epoch, inbox_tx, inbox_position, number);
create index day_seals_events on day_seals (events_epoch, events_tx, events_position, number);
create trigger day_seals_append_only before update or delete or truncate on day_seals
    for each statement execute function forbid();
