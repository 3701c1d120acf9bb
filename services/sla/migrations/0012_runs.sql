-- A rebuild may be a trial that swaps nothing, and may be called off; who asked for it is kept with it.
alter table generations drop constraint generations_state_check;
alter table generations add check (state in ('building', 'live', 'retired', 'failed', 'checked', 'cancelled'));
alter table generations add column actor text;                          -- null: before this was kept
alter table generations add column dry_run boolean not null default false;
alter table generations add column cancelled_by text;                   -- the builder looks here as it goes
