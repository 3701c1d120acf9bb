"""Where tests get Kafka and PostgreSQL from: the environment, else a Docker engine, else the embedded parts.

The same tests run on each. TEST_KAFKA_IMAGE and TEST_POSTGRES_IMAGE name other images. An engine that is not there
costs nothing; an image that is neither here nor to be pulled counts as no engine.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient

from events.clock import new_id
from local.kafka import choose
from local.postgres import Postgres
from local.provision import provision, unprovision

# A container of a killed test run stays; the helper that would remove it is one more image to pull.
os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")

KAFKA_IMAGE = os.environ.get("TEST_KAFKA_IMAGE", "apache/kafka:4.3.1")
POSTGRES_IMAGE = os.environ.get("TEST_POSTGRES_IMAGE", "postgres:15")
_PASSWORD = "test"


@contextmanager
def kafka() -> Iterator[str]:
    """A broker; its bootstrap servers."""
    if given := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield given
    elif docker_has(KAFKA_IMAGE):
        from kafka_container import ApacheKafkaContainer

        with ApacheKafkaContainer(KAFKA_IMAGE) as container:
            yield container.bootstrap()
    else:
        with folder() as place:
            broker = choose.embedded(place / "kafka")
            asyncio.run(broker.start())
            try:
                yield broker.bootstrap
            finally:
                asyncio.run(broker.kill())  # nobody will read its data again


@contextmanager
def postgres() -> Iterator[str]:
    """A server; its administrator's URL."""
    if given := os.environ.get("DATABASE_URL"):
        yield given
    elif docker_has(POSTGRES_IMAGE):
        from testcontainers.community.postgres import PostgresContainer

        with PostgresContainer(POSTGRES_IMAGE, driver=None).with_command(
            "postgres -c max_connections=200"
        ) as container:
            yield container.get_connection_url()
    else:
        with folder() as place:
            server = Postgres(place / "postgres", password=_PASSWORD)
            asyncio.run(server.start())
            try:
                yield server.admin_url
            finally:
                asyncio.run(server.kill())


@contextmanager
def folder() -> Iterator[Path]:
    """An empty folder that other users may go through: as root, PostgreSQL runs as another user.

    pytest's own temporary folder is closed to others, and closed again by every later run.
    """
    place = Path(tempfile.mkdtemp(prefix="onedoor-test-"))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


async def fresh_database(admin_url: str) -> tuple[str, dict[str, str]]:
    """A new database with the four roles: its name, and the URL of each service and of `admin`."""
    name = f"t_{new_id()[:16]}"
    made = await provision(admin_url, lambda role: _PASSWORD, database=name)
    return name, {"admin": made.admin, **made.services}


async def drop_database(admin_url: str, name: str) -> None:
    await unprovision(admin_url, name)


async def drop_topics(bootstrap: str, prefix: str) -> None:
    """Remove every topic of one test, so that a long run does not fill the broker with open files."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        ours = [topic for topic in await admin.list_topics() if topic.startswith(prefix)]
        if ours:
            await admin.delete_topics(ours)
    finally:
        await admin.close()


def docker_has(image: str) -> bool:
    """Whether a Docker engine answers and has the image or can pull it."""
    if "DOCKER_HOST" not in os.environ and not Path("/var/run/docker.sock").exists():
        return False
    import docker  # type: ignore[import-untyped]

    try:
        docker.from_env(timeout=2).ping()
        client = docker.from_env(timeout=300)
        try:
            client.images.get(image)
        except docker.errors.ImageNotFound:
            client.images.pull(image)
    except (docker.errors.DockerException, OSError):
        return False
    return True
