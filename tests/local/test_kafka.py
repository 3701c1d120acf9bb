"""The embedded broker is the real one: it keeps what it acknowledged, and its address, through a kill."""

import asyncio
import os
import stat
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import InvalidTransactionTimeout

from local.errors import LocalError, NoKafka
from local.kafka import choose, jars
from local.kafka.broker import Broker
from local.ports import HIGHEST, LOWEST, free_port

needs_tools = pytest.mark.skipif(bool(choose.missing_tools()), reason="no Java or Maven on this machine")

MAVEN = """#!/bin/sh
echo fetched >> "$FETCHES"
for word in "$@"; do
  case "$word" in -DoutputDirectory=*) mkdir -p "${word#*=}"; sleep 0.2; touch "${word#*=}/a.jar";; esac
done
exit ${MAVEN_FAILS:-0}
"""


@needs_tools
async def test_acknowledged_records_survive_a_kill_and_a_restart(folder: Path) -> None:
    broker = Broker(folder / "kafka")
    await broker.start()
    address = broker.bootstrap
    await say(broker.bootstrap, b"before the kill")
    await broker.kill()
    assert not broker.alive
    await broker.start()
    assert broker.bootstrap == address
    await say(broker.bootstrap, b"before the restart")
    await broker.restart()
    assert await heard(broker.bootstrap) == [b"before the kill", b"before the restart"]
    with pytest.raises(InvalidTransactionTimeout):  # it would hold whoever reads committed records for as long
        async with AIOKafkaProducer(bootstrap_servers=address, transactional_id="slow", transaction_timeout_ms=60_001):
            pass
    await broker.stop()
    assert not broker.alive


async def say(bootstrap: str, value: bytes) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("facts", 1, 1)])  # a second time says that it is there, and does nothing
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait("facts", value)


async def heard(bootstrap: str) -> list[bytes]:
    partition = TopicPartition("facts", 0)
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False) as consumer:
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        return [(await consumer.getone()).value for _ in range(end)]


async def test_a_mistyped_topic_is_not_created(kafka: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.describe_topics(["mistyped-facts"])
    assert "mistyped-facts" not in await admin.list_topics()
    await admin.close()


async def test_two_starters_fetch_the_jars_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetches = fake_maven(tmp_path, monkeypatch)
    first, second = await asyncio.gather(jars.fetch(), jars.fetch())
    assert first == second
    assert [file.name for file in first.iterdir()] == ["a.jar"]
    assert fetches.read_text() == "fetched\n"


async def test_a_download_that_fails_leaves_no_half_filled_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_maven(tmp_path, monkeypatch)
    monkeypatch.setenv("MAVEN_FAILS", "1")
    with pytest.raises(LocalError, match="Maven could not fetch"):
        await jars.fetch()
    assert not jars.are_here()
    monkeypatch.setenv("MAVEN_FAILS", "0")
    await jars.fetch()
    assert jars.are_here()


def fake_maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `mvn` first on the path that brings one empty jar and counts how often it is asked."""
    tool = tmp_path / "bin" / "mvn"
    tool.parent.mkdir()
    tool.write_text(MAVEN)
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FETCHES", str(tmp_path / "fetches"))
    monkeypatch.setenv("ONEDOOR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "fetches"


def test_a_machine_without_anything_is_told_the_three_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("ONEDOOR_CACHE", str(tmp_path))
    with pytest.raises(NoKafka) as said:
        choose.embedded(tmp_path / "kafka")
    assert all(way in str(said.value) for way in ("KAFKA_BOOTSTRAP_SERVERS", "Docker", "Java 17 and Maven"))
    assert "\n" not in str(said.value)


def test_free_ports_are_below_those_of_outgoing_connections() -> None:
    """Else a client that waits for a restarting part may take its port."""
    given = [free_port() for _ in range(50)]
    assert len(set(given)) == 50
    assert all(LOWEST <= port < HIGHEST for port in given)
