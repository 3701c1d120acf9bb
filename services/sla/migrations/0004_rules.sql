-- Rules that are facts: which of them a generation applies, and the runs that ask what other rules would change.

-- How many published rules have moved what they move: the version in the stream rules-published up to which what they
-- revise counts. A rebuild takes it at its start and its swap makes it the live one.
alter table generations add column rules integer not null default 0;

-- A what-if leaves this behind and nothing else: what was asked, how it went, and what would change.
create table what_ifs (
    id          integer generated always as identity primary key,
    state       text        not null default 'running' check (state in ('running', 'done', 'failed')),
    actor       text        not null,
    supposed    jsonb       not null,             -- the versions and policies that were supposed
    now         timestamptz not null,             -- when "overdue now" is asked
    started_at  timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    cases       bigint      not null default 0,   -- to judge, as far as they are counted
    judged      bigint      not null default 0,   -- judged so far
    seconds     double precision not null default 0,
    impact      jsonb,                            -- the counts, by unit too
    changes     bytea,                            -- the dossiers that change, as deflated JSON
    error       text
);
