-- Not only a promise runs out: so do the limits of a unit's step and of an agency's answer, several at a time.

alter table timers add column clock     text not null default 'promise';  -- promise, step, agency
alter table timers add column unit      text not null default '';         -- whose limit; of a promise empty
alter table timers add column opened_by text not null default '';         -- the hand-over or referral that began it
alter table timers drop constraint timers_pkey, add primary key (case_id, cycle, opened_by, threshold);
