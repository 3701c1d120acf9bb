-- The log of one service: what it said (events), what it heard (inbox), how far everyone has read.
-- Runs in the service's own schema; every name below is resolved through its search_path.

create table cluster (
    only_row          boolean primary key default true check (only_row),
    system_identifier bigint  not null,  -- the cluster that wrote this log; another one means a restore
    epoch             integer not null   -- rises when a restored log is adopted: transaction numbers began again
);
insert into cluster (system_identifier, epoch) select system_identifier, 1 from pg_control_system();

-- Event store and outbox in one. Readers go in the order (epoch, tx, position), up to the horizon.
create table events (
    epoch       integer     not null,
    tx          xid8        not null,  -- the transaction that appended; below the horizon it is settled
    position    bigint      generated always as identity,
    stream      text        not null,  -- <category>-<id>
    version     integer     not null check (version > 0),
    subject     text        not null,  -- the case, or the stream's own name: the partition key
    type        text        not null,
    schema      smallint    not null,
    at          timestamptz not null,  -- when it happened
    recorded_at timestamptz not null,  -- when it was appended, read after the transaction had its number
    actor       text        not null,
    correlation text        not null,
    causation   text        not null,
    trace       text,
    data        bytea       not null,  -- the exact bytes that go on the wire
    hash        bytea       not null,  -- sha256 over the previous hash of the stream and this row, see link()
    primary key (stream, version)
);
create unique index events_in_order on events (epoch, tx, position);

create function forbid() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name;
end $$;
create trigger events_append_only before update or delete or truncate on events
    for each statement execute function forbid();

-- What others said, once each, in the order in which it was kept.
create table inbox (
    epoch       integer     not null,
    tx          xid8        not null default pg_current_xact_id(),
    position    bigint      generated always as identity,
    stream      text        not null,
    version     integer     not null,
    subject     text        not null,
    type        text        not null,
    schema      smallint    not null,
    at          timestamptz not null,
    recorded_at timestamptz not null,
    actor       text        not null,
    correlation text        not null,
    causation   text        not null,
    trace       text,
    data        bytea       not null,
    hash        bytea       not null,  -- as its speaker computed it: tells a repeat from a fork
    primary key (stream, version)
);
create unique index inbox_in_order on inbox (epoch, tx, position);
create index inbox_of_subject on inbox (subject);

-- The next offset to hear, kept in the transaction of the inbox rows. Kafka's own commits are for tools.
create table heard (
    topic       text    not null,
    partition   integer not null,
    next_offset bigint  not null,
    primary key (topic, partition)
);

-- How far each follower has read; moves in the transaction of the effect.
create table bookmarks (
    name     text    not null,
    shard    integer not null default 0,
    epoch    integer not null default 0,
    tx       xid8    not null default '0',
    position bigint  not null default 0,
    primary key (name, shard)
);

-- What could not be read or applied: the reason and the original bytes. Nothing here blocks anything else.
create table parked (
    id        bigint generated always as identity primary key,
    follower  text        not null,           -- 'hear', or the follower whose code threw
    subject   text,                           -- the case that is incomplete because of it
    place     text        not null,           -- topic/partition/offset, or the event's id
    reason    text        not null,
    body      bytea       not null,
    parked_at timestamptz not null default clock_timestamp(),
    attempts  integer     not null default 1,
    settled   text,                           -- how it ended: retried, dismissed
    unique (follower, place)
);
create index parked_open on parked (subject) where settled is null;

-- Accepted answers of commands, so that a repeated request gets the same one.
create table idempotency (
    actor     text  not null,
    route     text  not null,
    key       text  not null,
    body_hash bytea not null,
    answer    bytea not null,
    primary key (actor, route, key)
);

-- One field of the hash's fixed encoding: its length in four bytes, then its bytes.
create function framed(field bytea) returns bytea language sql immutable parallel safe
    return int4send(octet_length(field)) || field;

create function framed(field text) returns bytea language sql immutable parallel safe
    return framed(convert_to(field, 'UTF8'));

-- Instants as microseconds since 1970 in eight bytes.
create function framed(field timestamptz) returns bytea language sql immutable parallel safe
    return framed(int8send((extract(epoch from field) * 1000000)::bigint));

create function link(
    previous bytea, stream text, version integer, type text, schema smallint, at timestamptz, recorded_at timestamptz,
    actor text, correlation text, causation text, data bytea
) returns bytea language sql immutable parallel safe
    return sha256(
        framed(previous) || framed(stream) || framed(int4send(version)) || framed(type) || framed(int2send(schema))
        || framed(at) || framed(recorded_at) || framed(actor) || framed(correlation) || framed(causation) || framed(data)
    );

-- Appends facts to one or many streams: the transaction's first write, once per transaction.
-- A transaction that already has its number would be read before an earlier version of the stream; only new
-- streams are safe then. Raises OD001 for that, OD002 for a second append, OD003 when a stream moved on.
create function append(
    _epoch integer, _streams text[], _versions integer[], _subjects text[], _types text[], _schemas smallint[],
    _datas bytea[], _ats timestamptz[], _recorded timestamptz[], _actors text[], _correlations text[],
    _causations text[], _traces text[], out moments timestamptz[], out hashes bytea[]
) language plpgsql as $$
declare
    head   bytea;
    mine   xid8;
    clock  timestamptz;
    moment timestamptz;
begin
    if pg_current_xact_id_if_assigned() is not null and exists (
        select from unnest(_streams, _versions) as s (stream, version) group by stream having min(version) > 1
    ) then
        raise exception 'append must be the first write of its transaction' using errcode = 'OD001';
    end if;
    if current_setting('onedoor.appended', true) = 'yes' then
        raise exception 'a transaction appends once' using errcode = 'OD002';
    end if;
    perform set_config('onedoor.appended', 'yes', true);

    mine := pg_current_xact_id();
    clock := clock_timestamp();  -- after the number: a watermark read before a later snapshot can then trust it
    hashes := '{}';
    moments := '{}';
    for i in 1 .. cardinality(_streams) loop
        if _versions[i] = 1 then
            head := '';
        elsif i = 1 or _streams[i] <> _streams[i - 1] then
            select e.hash into head from events e where e.stream = _streams[i] and e.version = _versions[i] - 1;
            if not found then
                raise exception '% is not at version %', _streams[i], _versions[i] - 1 using errcode = 'OD003';
            end if;
        end if;
        moment := coalesce(_recorded[i], clock);
        head := link(head, _streams[i], _versions[i], _types[i], _schemas[i], _ats[i], moment,
                     _actors[i], _correlations[i], _causations[i], _datas[i]);
        insert into events (epoch, tx, stream, version, subject, type, schema, at, recorded_at,
                            actor, correlation, causation, trace, data, hash)
        values (_epoch, mine, _streams[i], _versions[i], _subjects[i], _types[i], _schemas[i], _ats[i], moment,
                _actors[i], _correlations[i], _causations[i], _traces[i], _datas[i], head);
        hashes := hashes || head;
        moments := moments || moment;
    end loop;
end $$;
