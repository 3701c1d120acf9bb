-- The worklists of the units. One dossier is read from its own stream; these are for lists.

create table dossiers (
    case_id         text primary key,
    counter         text        not null,
    unit            text        not null,  -- in charge; the last one when `open` is false
    step            text        not null,
    forwarded_at    timestamptz not null,
    acknowledged_at timestamptz,
    completed_at    timestamptz,           -- the step is done and waits for an answer before it is handed on
    open            boolean     not null,  -- false: returned or recalled
    version         integer     not null   -- of the route's stream, for If-Match
);
create index dossiers_of_unit on dossiers (unit, forwarded_at) where open;

-- Whom an open dossier waits for: one row per question without an answer.
create table waiting (
    asked    text primary key,             -- the id of the event that asked
    case_id  text        not null,
    who      text        not null,         -- customer, or the agency's code
    what     text        not null,         -- the action or the matter
    since    timestamptz not null
);
create index waiting_of_dossier on waiting (case_id);
