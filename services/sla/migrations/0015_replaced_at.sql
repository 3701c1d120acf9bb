-- How far the judge had come when a generation was replaced: from there on its rows know nothing.
alter table generations
    add column replaced_at_epoch    integer,
    add column replaced_at_tx       xid8,
    add column replaced_at_position bigint;
