"""The topics of the channels, made: which category of stream goes where, that they never expire, and that the broker
stamps what others write."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code
from aiokafka.partitioner import murmur2
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType

from events.contracts import channels
from events.errors import OnedoorError

PARTITIONS = channels.PARTITIONS

OPERATION = "operation"  # said by every service: operation-<the first word of its topic>-<id>
RULES, CASES, HEARTBEATS = channels.RULES, channels.CASES, channels.HEARTBEATS
LOG_TOPICS = tuple(channel.topic for channel in channels.CHANNELS if channel.facts)
DOSSIER_TOPICS = tuple(topic for topic in LOG_TOPICS if topic != RULES)

_SINGLE = tuple(channel.topic for channel in channels.CHANNELS if channel.partitions == 1)
_COMPACTED = frozenset(channel.topic for channel in channels.CHANNELS if channel.compacted)
_OUTSIDE = frozenset(channel.topic for channel in channels.CHANNELS if channel.from_outside)

FOREVER = {"retention.ms": "-1"}
KNOWN_WITHIN = 30.0  # seconds from a topic's creation until every broker knows it
COMPACTED = {"cleanup.policy": "compact"}
STAMP, BROKERS = "message.timestamp.type", "LogAppendTime"
STAMPED = {**FOREVER, STAMP: BROKERS}  # a record's timestamp is when it came, whatever its sender's clock says
WITHIN = 10.0  # seconds for a question about a topic's settings
log = structlog.get_logger("events.topics")


def topic_of(stream: str) -> str:
    """The topic of a stream, by its category; what operators do to a service goes on that service's own topic."""
    category, _, rest = stream.partition("-")
    return f"{rest.partition('-')[0]}.events" if category == OPERATION else channels.TOPIC[category]


def partitions_in(topic: str) -> int:
    """How many partitions a topic has, whatever the prefix before its name."""
    return 1 if topic.endswith(_SINGLE) else PARTITIONS


@lru_cache(maxsize=50_000)  # the client's hash is plain Python and a case speaks often
def partition_of(key: bytes) -> int:
    """The partition of a key, as every Kafka client's default partitioner computes it."""
    return int((murmur2(key) & 0x7FFFFFFF) % PARTITIONS)


async def ensure(bootstrap: str, prefix: str, names: Iterable[str], used: Collection[str] = ()) -> Collection[str]:
    """Create the topics that are missing and wait until the broker knows them all. Tells the full names of those that
    are missing although they were `used`: they are not created, for an empty one would hide that it was lost.

    Raises OnedoorError when one has another number of partitions, unless only others write to it.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        wanted = [_new(prefix + name, name) for name in names]
        there = await admin.list_topics()
        lost = [topic.name for topic in wanted if topic.name not in there and topic.name in used]
        wanted = [topic for topic in wanted if topic.name not in lost]
        missing = [topic for topic in wanted if topic.name not in there]
        if missing:
            created = await admin.create_topics(missing)
            for _, code, *_ in created.topic_errors:
                if code and for_code(code) is not TopicAlreadyExistsError:  # another service may be first
                    raise for_code(code)
        for topic in wanted:
            count = await _partitions(admin, topic.name)
            if topic.name.removeprefix(prefix) in _OUTSIDE:
                if count != topic.num_partitions:
                    log.warning("other partitions", topic=topic.name, partitions=count, usual=topic.num_partitions)
                await _stamp(bootstrap, topic.name)
            elif count != topic.num_partitions:
                raise OnedoorError(
                    f"topic {topic.name} has {count} partitions, not {topic.num_partitions}: cases would not stay "
                    "together. Write it again from its service's store into a topic with the right number"
                )
        return lost
    finally:
        await admin.close()


async def make_again(bootstrap: str, prefix: str, names: Sequence[str]) -> Sequence[str]:
    """Delete these topics, with all that is in them, and create them empty; tells their full names."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    full = [prefix + name for name in names]
    try:
        async with asyncio.timeout(KNOWN_WITHIN):
            while there := [name for name in await admin.list_topics() if name in full]:
                await admin.delete_topics(there)
                await asyncio.sleep(0.05)
    finally:
        await admin.close()
    await ensure(bootstrap, prefix, names)
    return full


async def _partitions(admin: AIOKafkaAdminClient, name: str) -> int:
    """How many partitions a topic has, once the broker that is asked has heard of it."""
    async with asyncio.timeout(KNOWN_WITHIN):
        while True:
            described = (await admin.describe_topics([name]))[0]
            if count := len(described["partitions"]):
                return count
            await asyncio.sleep(0.05)


async def _stamp(bootstrap: str, topic: str) -> None:
    """Have the broker stamp a topic's records. Where it does not and we may not tell it to, that is reported."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
    wanted = ConfigEntry(STAMP, BROKERS, incremental_operation=AlterConfigOpType.SET)
    asked = ConfigResource(ResourceType.TOPIC, topic)
    change = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[wanted])
    try:
        (found,) = admin.describe_configs([asked], request_timeout=WITHIN).values()
        stamped = (await asyncio.wrap_future(found))[STAMP].value
        if stamped != BROKERS:
            (done,) = admin.incremental_alter_configs([change], request_timeout=WITHIN).values()
            await asyncio.wrap_future(done)
            log.info("records are stamped by the broker from now on", topic=topic, before=stamped)
    except KafkaException as refused:
        log.warning(
            "records may not be stamped by the broker", topic=topic, error=str(refused),
            way_out=f"set {STAMP}={BROKERS} on it; an event without that stamp arrives when it is heard",
        )  # fmt: skip


def _new(full_name: str, name: str) -> NewTopic:
    topic = NewTopic(
        full_name,
        num_partitions=partitions_in(name),
        replication_factor=1,
        topic_configs=COMPACTED if name in _COMPACTED else STAMPED if name in _OUTSIDE else FOREVER,
    )
    topic.replication_factor = -1  # the broker's default, which this client's constructor refuses to be asked for
    return topic
