"""How far everyone is: the figures behind /followers and /metrics, from one query per log."""

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

from prometheus_client import CollectorRegistry, Gauge

from events.clock import now
from events.kafka.hear import TopicConsumer
from events.kafka.heartbeat import Watermark
from events.kafka.outbox_relay import Relay
from events.store.database import Connection
from events.subscriptions.follower import START, Following

# Rows of one log past each of its followers' bookmarks, and the age of the oldest, by the instant at which they were
# written down. Where the bookmark stands as this process left it (saved), it counts as far as the process has read on
# since, over rows without an effect.
BEHIND = """
select f.name, f.shard, l.events, l.seconds, b.paused_by, b.paused_at, b.paused_why
from unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::xid8[], $6::bigint[], $7::int[], $8::xid8[], $9::bigint[])
        as f (log, name, shard, s_epoch, s_tx, s_position, epoch, tx, position)
    left join bookmarks b on (b.name, b.shard) = (f.name, f.shard)
    cross join lateral (select (b.epoch, b.tx, b.position) = (f.s_epoch, f.s_tx, f.s_position) as ours) as o
    cross join lateral (
        select count(*) as events, coalesce(extract(epoch from clock_timestamp() - min({since})), 0)::float8 as seconds
        from {table} where (epoch, tx, position) > (
            case when ours then f.epoch else coalesce(b.epoch, 0) end,
            case when ours then f.tx else coalesce(b.tx, '0') end,
            case when ours then f.position else coalesce(b.position, 0) end
        )
    ) as l
where f.log = '{table}'
"""
SINCE = {"events": "recorded_at", "inbox": "recorded_at"}
PARKED = "select count(*) from parked where settled is null"
# A long writing transaction anywhere in the cluster holds the horizon, and with it every follower. A role that is
# no monitor sees only its own sessions here; for those of others `Horizon` watches the horizon itself.
HORIZON = """
select coalesce(max(extract(epoch from clock_timestamp() - xact_start)), 0)::float8 from pg_stat_activity
where backend_xid is not null
"""
SNAPSHOT = "select pg_snapshot_xmin(pg_current_snapshot()), pg_current_xact_id()"


class Horizon:
    """For how long the oldest writing transaction of the cluster has been seen at work, in seconds."""

    def __init__(self) -> None:
        self._oldest, self._since = 0, monotonic()

    async def age(self, connection: Connection) -> float:
        row = await connection.fetchrow(SNAPSHOT)
        assert row is not None
        oldest, next_number = row
        if oldest >= next_number:
            return 0.0
        if oldest != self._oldest:
            self._oldest, self._since = oldest, monotonic()
        seen: float = await connection.fetchval(HORIZON)
        return max(seen, monotonic() - self._since)


async def standing(
    connection: Connection,
    followings: Sequence[Following[Any]],
    ears: TopicConsumer | None,
    relay: Relay,
    horizon: Horizon,
    watermarks: Sequence[Watermark] = (),
) -> Mapping[str, Any]:
    """Each follower's distance from the end of its log, what was published and heard, what is parked, and how far the
    sources are that this service waits for."""
    tables = dict.fromkeys(following.follower.log.table for following in followings)
    query = " union all ".join(BEHIND.format(table=table, since=SINCE.get(table, "now()")) for table in tables)
    places = [
        (
            one.follower.log.table,
            one.follower.name,
            one.shard,
            *((one.mark and one.saved) or START),
            *(one.mark or START),
        )
        for one in followings
    ]
    rows = await connection.fetch(query, *zip(*places, strict=True))
    behind = {(row["name"], row["shard"]): row for row in rows}
    followers = []
    for following in followings:
        f, row = following.follower, behind[following.follower.name, following.shard]
        followers.append(
            {
                "name": f.name, "log": f.log.table, "shard": following.shard,
                "behind_events": row["events"], "behind_seconds": row["seconds"], "trouble": following.trouble,
                "paused_by": row["paused_by"], "paused_at": row["paused_at"], "paused_why": row["paused_why"],
            }
        )  # fmt: skip
    return {
        "followers": followers,
        "published": _by_topic(relay.published),
        "heard": _by_topic(ears.heard) if ears else {},
        "missing": sorted(ears.missing) if ears else [],
        "parked": await connection.fetchval(PARKED),
        "horizon_seconds": await horizon.age(connection),
        "watermarks": [one._asdict() for one in watermarks],
    }


def _by_topic(offsets: Mapping[tuple[str, int], int]) -> dict[str, dict[str, int]]:
    topics: dict[str, dict[str, int]] = {}
    for (topic, partition), offset in sorted(offsets.items()):
        topics.setdefault(topic, {})[str(partition)] = offset
    return topics


def exposition(standing: Mapping[str, Any], listening: Sequence[TopicConsumer]) -> CollectorRegistry:
    """The same figures as Prometheus gauges; for Kafka, per partition against the end that the client has seen.
    `listening`: everyone in this process who hears a topic."""
    registry = CollectorRegistry()
    events = Gauge("onedoor_follower_lag_events", "Rows past the bookmark", ["follower", "shard"], registry=registry)
    seconds = Gauge(
        "onedoor_follower_lag_seconds", "Age of the oldest row past the bookmark", ["follower", "shard"],
        registry=registry,
    )  # fmt: skip
    halted = Gauge("onedoor_follower_trouble", "1 while a follower waits or halts", ["follower"], registry=registry)
    for one in standing["followers"]:
        events.labels(one["name"], one["shard"]).set(one["behind_events"])
        seconds.labels(one["name"], one["shard"]).set(one["behind_seconds"])
        halted.labels(one["name"]).set(one["trouble"] is not None)
    lag = Gauge("onedoor_heard_lag_events", "Records not yet kept", ["topic", "partition"], registry=registry)
    age = Gauge(
        "onedoor_heard_lag_seconds", "Age of the last kept record while others wait behind it", ["topic", "partition"],
        registry=registry,
    )  # fmt: skip
    unstable = Gauge(
        "onedoor_heard_unstable_seconds", "For how long an open transaction has held a partition",
        ["topic", "partition"], registry=registry,
    )  # fmt: skip
    for ears in listening:
        consumer, held = ears.consumer, ears.stable.seconds(monotonic())
        if consumer is None:
            continue
        for partition in consumer.assignment():
            place = partition.topic, partition.partition
            behind = max(0, (consumer.highwater(partition) or 0) - ears.heard.get(place, 0))
            lag.labels(*place).set(behind)
            age.labels(*place).set(
                now().timestamp() - ears.written[place] / 1000 if behind and place in ears.written else 0
            )
            unstable.labels(*place).set(held.get(place, 0))
    Gauge("onedoor_parked", "Records and facts that are set aside", registry=registry).set(standing["parked"])
    Gauge("onedoor_horizon_seconds", "Age of the oldest writing transaction", registry=registry).set(
        standing["horizon_seconds"]
    )
    old = Gauge("onedoor_watermark_age_seconds", "Age of a source's watermark", ["source"], registry=registry)
    stands = Gauge(
        "onedoor_watermark_stands",
        "1 while a watermark holds back all warnings, seals and final answers",
        ["source"],
        registry=registry,
    )
    for one in standing["watermarks"]:
        old.labels(one["source"]).set(one["age_seconds"])
        stands.labels(one["source"]).set(one["stands"])
    return registry
