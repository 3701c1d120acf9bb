-- When a case becomes incomplete, or complete again, no fact may have come: a log of its own tells those who follow.
create table holes (
    epoch    integer not null,
    tx       xid8    not null default pg_current_xact_id(),
    position bigint  generated always as identity primary key,
    subject  text    not null    -- the case of which something was parked or settled
);
create unique index holes_in_order on holes (epoch, tx, position);

-- Its own schema, also when an administrator's hand settles something.
create function note_hole() returns trigger language plpgsql set search_path from current as $$
begin
    insert into holes (epoch, subject) select epoch, new.subject from cluster;
    return null;
end
$$;
create trigger hole_came after insert on parked
    for each row when (new.subject is not null) execute function note_hole();
create trigger hole_changed after update of settled on parked
    for each row when (new.subject is not null and new.settled is distinct from old.settled) execute function note_hole();

alter table changes add column hole boolean not null default false;  -- only whether the case is incomplete changed

-- What was parked before anybody was told.
insert into holes (epoch, subject) select epoch, subject from cluster, parked where settled is null and subject is not null;
