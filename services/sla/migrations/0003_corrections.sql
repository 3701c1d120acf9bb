-- What corrections touched, and what was done with a promise: the judge's rows say it, so that nobody asks the facts.

alter table cycles
    add column corrections integer       not null default 0,     -- how many touched this cycle
    add column acts        text[]        not null default '{}',  -- extension, supplement, action, obstacle (the
                                                                 -- customer's), refusal, early closing, correction
    add column acts_at     timestamptz[] not null default '{}';  -- when each happened

alter table stays
    add column paused_seconds bigint not null default 0;         -- working time in charge on somebody else's clock
