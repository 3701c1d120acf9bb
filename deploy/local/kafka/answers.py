"""Whether a broker answers: the only proof of readiness that we accept."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from local.wait import listens


async def answers(bootstrap: str) -> bool:
    """Whether the broker tells its metadata now."""
    host, _, port = bootstrap.split(",", maxsplit=1)[0].rpartition(":")
    if not await listens(host, int(port)):
        return False  # asked first, because the client logs an error for every refused connection
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5_000)
    try:
        async with asyncio.timeout(10):
            await client.start()
            return bool((await client.describe_cluster())["brokers"])
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await client.close()
