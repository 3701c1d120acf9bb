-- The door's own tables. `people` is the only place in the system with personal data.

-- Dossier codes: the last number given out per counter and local day.
create table codes (
    counter text    not null,
    day     date    not null,   -- the day of reception in Asia/Ho_Chi_Minh
    last    integer not null,
    primary key (counter, day)
);

-- Which number a request was given, so that a retry gets the same one. A refused request may come again with its
-- key for another counter or on another day: that is another number.
create table drawn (
    actor   text    not null,
    key     text    not null,
    counter text    not null,
    day     date    not null,
    number  integer not null,
    primary key (actor, key, counter, day)
);

-- Draws a number in a transaction of its own, before the command's. It need not reach the disk by itself: the
-- command's commit, which alone makes the number known to anybody, writes everything before it.
create function draw(_counter text, _day date, _actor text, _key text, out number integer, out fresh boolean)
language plpgsql as $$
begin
    perform set_config('synchronous_commit', 'off', true);
    select d.number into number from drawn d
    where d.actor = _actor and d.key = _key and d.counter = _counter and d.day = _day;
    fresh := number is null;
    if fresh then
        insert into codes values (_counter, _day, 1)
        on conflict (counter, day) do update set last = codes.last + 1 returning last into number;
        if _key is not null then
            insert into drawn values (_actor, _key, _counter, _day, number);  -- a twin request fails here, asks again
        end if;
    end if;
end $$;

create table people (
    applicant_ref text primary key,  -- what events carry instead
    name          text not null,
    phone         text not null,
    address       text not null,
    id_number     text,
    zalo_id       text,
    note          text               -- the customer's own words
);

-- A submission is received once.
create table receipts (
    submission text primary key,
    case_id    text not null
);

-- Applications that wait in their counter's list.
create table submissions (
    submission_id text primary key,
    counter       text        not null,
    service       text        not null,
    district      text        not null,
    applicant_ref text        not null,
    submitted_at  timestamptz not null
);
create index submissions_of_counter on submissions (counter, submitted_at);

create table dossiers (
    case_id     text primary key,
    counter     text        not null,
    service     text        not null,
    received_at timestamptz not null,
    appointment timestamptz,
    status      text        not null,  -- open, waiting, closed, refused, withdrawn, stopped
    version     integer     not null,  -- of the case's stream, for If-Match
    holder      text        not null,  -- the unit in charge, as heard from routing
    returned_at timestamptz            -- the finished dossier is back at the counter
);
create index dossiers_of_counter on dossiers (counter, received_at desc);
create index dossiers_to_hand_over on dossiers (counter, returned_at) where returned_at is not null;

-- Messages on their way. `calling`: the call has begun and its answer is not known yet.
create table outgoing (
    message_id text primary key,
    case_id    text,
    addressee  text        not null,  -- a unit or an applicant_ref
    template   text        not null,
    about      text        not null,  -- the event that it tells of
    state      text        not null default 'ready' check (state in ('ready', 'calling')),
    attempts   integer     not null default 0,
    not_before timestamptz not null default clock_timestamp(),
    repeated   boolean     not null default false
);
create index outgoing_ready on outgoing (not_before) where state = 'ready';

-- The Official Account's tokens: the refresh token is good for one use, so the new pair is stored before it is used.
create table zalo_tokens (
    only_row      boolean primary key default true check (only_row),
    access_token  text        not null,
    refresh_token text        not null,
    expires_at    timestamptz not null
);

-- Messages that nobody could be made responsible for. A person looks at them.
create table quarantine (
    msg_id      text primary key,
    sender      text        not null,
    body        text        not null,
    reason      text        not null,
    received_at timestamptz not null
);
