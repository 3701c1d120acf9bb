-- Cases that a rebuild could not judge or write, by their ids, with the reason: the code threw. Its swap leaves them as
-- they stand, and incomplete.
alter table generations add column stuck jsonb not null default '{}';
