-- A rebuild may be a trial that swaps nothing, and may be called off; who asked for it is kept with it.
alter table generations drop constraint generations_state_check;
alter table generations add check (state in ('building', 'live', 'retired', 'failed', 'checked', 'cancelled'));
alter table generations add column actor text;                          -- null: before this was kept
alter table generations add column dry_run boolean not null default false;
alter table generations add column cancelled_by text;                   -- the builder looks here as it goes

-- How far the live judge was when this generation was replaced: whoever goes back to it follows the inbox from there.
alter table generations add column replaced_at_epoch    integer;
alter table generations add column replaced_at_tx       xid8;
alter table generations add column replaced_at_position bigint;
