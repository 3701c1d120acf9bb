-- What the judge left behind, in generations: one is live, a rebuild fills another beside it, a swap exchanges them.

create table generations (
    id          integer generated always as identity primary key,
    state       text not null check (state in ('building', 'live', 'retired', 'failed')),
    phase       text not null default '',        -- what a running rebuild is doing, for people
    started_at  timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    expected    bigint not null default 0,       -- records to fold, known at the start
    events      bigint not null default 0,       -- records folded so far
    cases       bigint not null default 0,
    seconds     double precision,                -- from the first record to the last judged row
    undecodable bigint not null default 0,
    rows        bigint,
    hash        text,                            -- of all rows, whatever their order
    differences jsonb not null default '[]',     -- cases whose rows differed from the live ones at the cut
    error       text
);
create unique index one_live on generations ((true)) where state = 'live';
create unique index one_building on generations ((true)) where state = 'building';

-- The columns of each table are those of its row in rows.py, in the same order, after the generation.
create table cycles (
    generation          integer not null,
    case_id             text not null,
    cycle               integer not null,
    counter             text not null,
    organisation        text not null,
    sector              text not null,
    district            text not null,
    service             text,
    field               text,
    channel             text not null,
    received_at         timestamptz not null,
    determined          boolean not null,
    incomplete          boolean not null,
    due_at              timestamptz,
    waiting_since       timestamptz,
    pauses_from         timestamptz[] not null,
    pauses_to           timestamptz[] not null,
    appointment         timestamptz,
    extended_at         timestamptz,
    supplements         integer not null,
    released_at         timestamptz,
    ended_at            timestamptz,
    outcome             text not null,
    class_a             text,
    class_b             text,
    utility_seconds     bigint not null,
    customer_seconds    bigint not null,
    agency_seconds      bigint not null,
    not_counted_seconds bigint not null,
    delay_seconds       bigint not null,
    unit                text not null,
    holder              text not null,
    holder_clock        text,
    step                text not null,
    stars               integer,
    closed_at           timestamptz,
    revision            integer not null,
    judged_to           timestamptz not null,
    primary key (generation, case_id, cycle)
) partition by list (generation);
create index cycles_open on cycles (due_at) where ended_at is null;
create index cycles_received on cycles (received_at);

create table stays (
    generation      integer not null,
    case_id         text not null,
    cycle           integer not null,
    stay            integer not null,
    unit            text not null,
    step            text not null,
    entered_at      timestamptz not null,
    entered_by      text not null,
    determined      boolean not null,
    incomplete      boolean not null,
    due_at          timestamptz,
    left_at         timestamptz,
    class_a         text,
    class_b         text,
    acknowledge_due timestamptz,
    acknowledged_at timestamptz,
    utility_seconds bigint not null,
    overrun_seconds bigint not null,
    primary key (generation, case_id, cycle, stay)
) partition by list (generation);

create table referrals (
    generation  integer not null,
    case_id     text not null,
    cycle       integer not null,
    referral    text not null,
    agency      text not null,
    matter      text not null,
    referred_at timestamptz not null,
    determined  boolean not null,
    incomplete  boolean not null,
    due_at      timestamptz,
    replied_at  timestamptz,
    ended_at    timestamptz,
    reply       text,
    class_a     text,
    class_b     text,
    seconds     bigint not null,
    primary key (generation, case_id, referral)
) partition by list (generation);

create table charges (
    generation integer not null,
    case_id    text not null,
    cycle      integer not null,
    unit       text not null,
    seconds    bigint not null,
    primary key (generation, case_id, cycle, unit)
) partition by list (generation);

-- A generation's own tables, attached empty: attaching blocks no reader.
create function open_generation(_generation integer) returns void language plpgsql as $$
declare
    parent text;
begin
    foreach parent in array array['cycles', 'stays', 'referrals', 'charges'] loop
        execute format('create table %I (like %I including all)', parent || '_' || _generation, parent);
        execute format('alter table %I attach partition %I for values in (%L)',
                       parent, parent || '_' || _generation, _generation);
    end loop;
end $$;

create function drop_generation(_generation integer) returns void language plpgsql as $$
declare
    parent text;
begin
    foreach parent in array array['cycles', 'stays', 'referrals', 'charges'] loop
        execute format('drop table if exists %I', parent || '_' || _generation);
    end loop;
end $$;

insert into generations (state, phase) values ('live', 'the first one');
select open_generation(1);

-- A hash per case over all its rows; adding hashes up makes it independent of their order.
create function case_hashes(_generation integer) returns table (case_id text, hash bigint, rows bigint)
language sql stable as $$
    select case_id, bit_xor(hash), count(*) from (
        select case_id, hashtextextended((to_jsonb(t) - 'generation')::text, 1) from cycles t where generation = _generation
        union all
        select case_id, hashtextextended((to_jsonb(t) - 'generation')::text, 2) from stays t where generation = _generation
        union all
        select case_id, hashtextextended((to_jsonb(t) - 'generation')::text, 3) from referrals t where generation = _generation
        union all
        select case_id, hashtextextended((to_jsonb(t) - 'generation')::text, 4) from charges t where generation = _generation
    ) as r (case_id, hash) group by case_id
$$;

-- Every change of a live case, for those who follow. Outside the generations: a swap does not repeat them.
-- Only the holder of the judge's lock writes here, so positions are committed in order.
create table changes (
    epoch    integer not null,
    tx       xid8    not null default pg_current_xact_id(),
    position bigint  generated always as identity primary key,
    subject  text    not null,   -- the case
    data     bytea   not null    -- its status as JSON
);
create unique index changes_in_order on changes (epoch, tx, position);

-- Future instants at which something is to be said, of live cases. The ticker reads this, not the cases.
create table timers (
    case_id   text        not null,
    cycle     integer     not null,
    threshold text        not null,  -- half, four-fifths, one-day, due
    fires_at  timestamptz not null,
    revision  integer     not null,
    due       timestamptz not null,
    primary key (case_id, cycle, threshold)
);
create index timers_next on timers (fires_at);

-- Up to when each source has said everything that it recorded.
create table watermarks (
    service   text primary key,
    watermark timestamptz not null
);
