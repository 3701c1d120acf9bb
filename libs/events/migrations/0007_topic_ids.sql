-- Which topic an offset was heard in: one that was deleted and made again has another id, and begins at 0.
alter table heard
    add column topic_id    text        not null default '',          -- Kafka's id; empty: heard before we kept it
    add column topic_since timestamptz not null default '-infinity';  -- when it was found to be another one
