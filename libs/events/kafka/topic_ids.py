"""Which topic a name stands for: Kafka gives each an id, and one that is made again under its name gets another."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

WITHIN = 10.0  # seconds for one question


class Topic(NamedTuple):
    """What a name stands for just now."""

    id: str
    partitions: int


class Identity:
    """Asks one cluster. aiokafka does not ask for ids; this client does, in a thread of its own."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})

    async def of(self, topics: Sequence[str]) -> Mapping[str, str]:
        """The id of each topic; one that does not exist is left out. Raises ConnectionError when nobody answers."""
        return {name: topic.id for name, topic in (await self.described(topics)).items()}

    async def described(self, topics: Sequence[str]) -> Mapping[str, Topic]:
        """The same, with how many partitions each has."""
        asked = self._admin.describe_topics(TopicCollection(list(topics)), request_timeout=WITHIN)
        found: dict[str, Topic] = {}
        for name, future in asked.items():
            try:
                told = await asyncio.wrap_future(future)
                found[name] = Topic(str(told.topic_id), len(told.partitions))
            except KafkaException as error:
                if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise ConnectionError(f"the broker does not say which topic {name} is: {error}") from error
        return found
