-- What other systems said and what they were refused. The facts themselves are in `events`, under the same streams.

-- The name that its emitter gave to each event that was taken in. One name is one event for good.
create table sent (
    stream    text  primary key,  -- foreign-<sha256 of source, zero byte, id>, version 1
    source    text  not null,
    id        text  not null,
    body_hash bytea not null      -- tells a repeat from a conflict
);

-- Each refusal once, however often the same was sent.
create table refused (
    stream    text        primary key,  -- refusal-<sha256>, version 1
    source    text        not null,
    id        text,                     -- null: it could not be read, or is no code
    body_hash bytea       not null,
    rule      text        not null,
    field     text,
    detail    text        not null,
    way_out   text,
    body      bytea                     -- of a conflict, where it holds codes only: for whoever has to decide
);
create index refused_of_event on refused (source, id);

create trigger sent_append_only before update or delete or truncate on sent
    for each statement execute function forbid();
create trigger refused_append_only before update or delete or truncate on refused
    for each statement execute function forbid();
