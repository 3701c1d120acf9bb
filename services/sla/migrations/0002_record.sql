-- Classifiers C and D beside A and B; the sealed record with its restatements; remedial actions.

alter table cycles add column class_c text;      -- by Decision 766: the end of processing against the due instant
alter table cycles add column waiting_for text;  -- what is waited for: supplement, own-works, a matter of an agency
alter table stays add column class_d text;       -- by the step's processed minutes against its limit's

-- The record of a period as somebody signed it: the whole document, byte for byte. Periods never overlap.
create table seals (
    id        text primary key,            -- <since>-<until>, the id of its stream `month-…`
    since     date        not null,        -- the first local date
    until     date        not null,        -- the first local date after
    sealed_at timestamptz not null,
    actor     text        not null,        -- who sealed it
    hash      text        not null,        -- sha256 of `document`, as MonthSealed says it
    document  bytea       not null,        -- the record as JSON
    exclude using gist (daterange(since, until) with &&)
);
create trigger seals_append_only before update or delete or truncate on seals
    for each statement execute function forbid();

-- What a sealed period turned out to be after late facts. The sealed one stays beside it.
create table restatements (
    seal        text        not null references seals,
    number      integer     not null,      -- 1, 2, … as in the stream of the period
    restated_at timestamptz not null,
    because     text,                      -- the last fact heard of the cases that differ
    differences jsonb       not null,      -- per line and column: was, now
    hash        text        not null,
    document    bytea       not null,
    primary key (seal, number)
);
create trigger restatements_append_only before update or delete or truncate on restatements
    for each statement execute function forbid();

-- What each case counts in, as the period last said it: tells a change that matters from the many that do not.
create table counted (
    seal    text not null references seals,
    case_id text not null,
    digest  text not null,                 -- of every line and column that counts it
    primary key (seal, case_id)
);
create index counted_case on counted (case_id);

-- Changed cases that a sealed period counts or could count: to be looked at once the judge has caught up.
create table restating (
    seal    text not null references seals,
    case_id text not null,
    primary key (seal, case_id)
);

-- Remedial actions, one per unit and period.
create table remedies (
    id        text primary key,            -- <unit>-<since>-<until>, the id of its stream `remedy-…`
    unit      text        not null,
    kind      text        not null,        -- what the unit is: counter, department, team, agency, organisation
    since     date        not null,
    until     date        not null,
    why       text        not null,        -- the threshold that was passed
    solved    integer     not null,        -- with a result, in the period
    overdue   integer     not null,        -- of them
    due       date        not null,        -- by when something has to have been done
    opened_at timestamptz not null,
    closed_at timestamptz,
    outcome   text,                        -- a reason word
    evidence  text
);
create index remedies_of_period on remedies (until);
