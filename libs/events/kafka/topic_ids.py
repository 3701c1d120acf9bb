"""Which topic a name stands for: Kafka gives each an id, and one that is made again under its name gets another."""

import asyncio
from collections.abc import Mapping, Sequence

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

WITHIN = 10.0  # seconds for one question


class Identity:
    """Asks one cluster. aiokafka does not ask for ids; this client does, in a thread of its own."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})

    async def of(self, topics: Sequence[str]) -> Mapping[str, str]:
        """The id of each topic; one that does not exist is left out. Raises ConnectionError when nobody answers."""
        asked = self._admin.describe_topics(TopicCollection(list(topics)), request_timeout=WITHIN)
        found: dict[str, str] = {}
        for name, future in asked.items():
            try:
                found[name] = str((await asyncio.wrap_future(future)).topic_id)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise ConnectionError(f"the broker does not say which topic {name} is: {error}") from error
        return found
