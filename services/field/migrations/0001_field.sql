-- The teams' lists. One order is read from its dossier's own stream; this is for lists.

create table workorders (
    work_order   text primary key,
    case_id      text        not null,
    team         text        not null,
    work         text        not null,  -- install, survey, energise
    status       text        not null,  -- ready, at-work, obstructed, completed, cancelled
    issued_at    timestamptz not null,
    visit_starts timestamptz,           -- the visit that is agreed on
    visit_ends   timestamptz,
    resumes_as   text        not null,  -- the status that an obstacle interrupts
    ended_at     timestamptz,
    version      integer     not null   -- of the dossier's stream of orders, for If-Match
);
create index workorders_of_team on workorders (team, issued_at) where ended_at is null;
create index workorders_of_case on workorders (case_id);
