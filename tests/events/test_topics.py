"""Topics: made with twelve partitions that never expire; one of another shape is refused."""

import asyncio

import parts
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError
from aiokafka.partitioner import DefaultPartitioner
from contracts.given import eventually
from hypothesis import given
from hypothesis import strategies as st

from events.contracts.channels import INBOUND
from events.errors import OnedoorError
from events.kafka import topics

NAMES = ("intake.events", "sla.cases", "heartbeats")


async def _partitions(bootstrap: str, *names: str) -> dict[str, int]:
    """As the broker tells right after `ensure`: nobody should have to wait for it any more."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return {one["topic"]: len(one["partitions"]) for one in await admin.describe_topics(list(names))}
    finally:
        await admin.close()


async def _settings(bootstrap: str, name: str) -> dict[str, str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
        return {entry[0]: entry[1] for answer in answers for resource in answer.resources for entry in resource[4]}
    finally:
        await admin.close()


async def _make(bootstrap: str, name: str, partitions: int, **configs: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    wanted = NewTopic(name, num_partitions=partitions, replication_factor=1, topic_configs=configs)
    while (made := (await admin.create_topics([wanted])).topic_errors[0][1]) == TopicAlreadyExistsError.errno:
        await asyncio.sleep(0.05)  # the one before is still being removed
    assert made == 0
    await admin.close()


async def test_topics_are_made_as_they_must_be(kafka: str, topic_prefix: str) -> None:
    """Facts never expire, cases and heartbeats keep their latest; a second call changes nothing."""
    for _ in range(2):
        await topics.ensure(kafka, topic_prefix, NAMES)
    made = await _partitions(kafka, *(topic_prefix + name for name in NAMES))
    assert made == {topic_prefix + name: count for name, count in zip(NAMES, (12, 12, 1), strict=True)}
    assert (await _settings(kafka, topic_prefix + "intake.events"))["retention.ms"] == "-1"
    for compacted in ("sla.cases", "heartbeats"):
        assert (await _settings(kafka, topic_prefix + compacted))["cleanup.policy"] == "compact"


async def test_the_broker_stamps_what_others_write(kafka: str, topic_prefix: str) -> None:
    """Also on a topic that was made before, whatever else is set on it."""
    name = topic_prefix + INBOUND
    await topics.ensure(kafka, topic_prefix, [INBOUND])
    made = await _settings(kafka, name)
    assert (made["message.timestamp.type"], made["retention.ms"]) == ("LogAppendTime", "-1")
    await parts.drop_topics(kafka, topic_prefix)
    await _make(kafka, name, 3, **{"max.message.bytes": "123456"})

    async def is_made() -> bool:
        return await _partitions(kafka, name) == {name: 3}

    async def is_stamped() -> bool:
        found = await _settings(kafka, name)
        return (found.get("message.timestamp.type"), found["max.message.bytes"]) == ("LogAppendTime", "123456")

    await eventually(is_made)  # until then the broker may still tell of the topic before
    await topics.ensure(kafka, topic_prefix, [INBOUND])
    await eventually(is_stamped)


async def test_a_topic_that_was_used_is_not_made_anew(kafka: str, topic_prefix: str) -> None:
    """An empty one would hide that it was lost; the others are made."""
    used = {topic_prefix + "intake.events", topic_prefix + "field.events"}
    await topics.ensure(kafka, topic_prefix, ("field.events",))
    assert await topics.ensure(kafka, topic_prefix, (*NAMES, "field.events"), used) == [topic_prefix + "intake.events"]
    assert (await _partitions(kafka, topic_prefix + "intake.events"))[topic_prefix + "intake.events"] == 0
    assert await topics.ensure(kafka, topic_prefix, NAMES) == []


async def test_another_number_of_partitions_is_refused(kafka: str, topic_prefix: str) -> None:
    """Cases would not stay together; the message says what to do."""
    await _make(kafka, topic_prefix + "routing.events", 3)
    with pytest.raises(OnedoorError, match="3 partitions, not 12"):
        await topics.ensure(kafka, topic_prefix, ("intake.events", "routing.events"))


async def test_a_topic_of_somebody_else_is_nobody_s_business(kafka: str, topic_prefix: str) -> None:
    """A shared broker has topics of every shape."""
    await _make(kafka, topic_prefix + "theirs", 3)
    await topics.ensure(kafka, topic_prefix + "ours.", ("intake.events",))


async def test_four_services_that_start_at_once_make_them_once(kafka: str, topic_prefix: str) -> None:
    """Whoever is second finds them there."""
    await asyncio.gather(*(topics.ensure(kafka, topic_prefix, NAMES) for _ in range(4)))
    assert (await _partitions(kafka, topic_prefix + "intake.events"))[topic_prefix + "intake.events"] == 12


@given(st.binary(min_size=1) | st.text(min_size=1).map(str.encode))
def test_a_key_s_partition_is_what_every_client_computes(key: bytes) -> None:
    """Other systems write to our topics with the default partitioner; a case must not be split."""
    everything = list(range(topics.PARTITIONS))
    assert topics.partition_of(key) == DefaultPartitioner()(key, everything, everything)


def test_partitions_are_spread_as_they_always_were() -> None:
    """Known answers: another hash would tear every case apart at the next release."""
    keys = [f"000.00.22.H49-170710-{number:04}".encode() for number in range(8)]
    assert [topics.partition_of(key) for key in keys] == [7, 10, 2, 9, 3, 7, 7, 9]
