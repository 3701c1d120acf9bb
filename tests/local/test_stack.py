"""The whole system comes up in order, can be hurt part by part, and leaves nothing behind that stops the next one.

The services are stand-ins here: what is tested is the stack.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import psutil
import pytest

from events.contracts.channels import SERVICES
from local.errors import AlreadyRunning, DidNotStart
from local.stack import Stack
from local.wait import until

STANDINS = dict.fromkeys(SERVICES, "standin")


@pytest.fixture(autouse=True)
def standins_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


def stack_in(folder: Path, kafka: str, **more: Any) -> Stack:
    """A stack on the run's broker, with its own PostgreSQL."""
    return Stack(folder, free_ports=True, kafka=kafka, modules=STANDINS, topic_prefix="t.", **more)


async def get(url: str) -> Any:
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return await answer.json()


async def test_each_service_is_told_its_own_addresses(folder: Path, kafka: str) -> None:
    async with stack_in(folder, kafka, clock="log") as stack:
        told = {name: await get(f"{stack.url(name)}/told") for name in SERVICES}
        assert {one["KAFKA_BOOTSTRAP_SERVERS"] for one in told.values()} == {kafka}
        assert {one["ONEDOOR_CLOCK"] for one in told.values()} == {"log"}
        assert {one["ONEDOOR_TOPIC_PREFIX"] for one in told.values()} == {"t."}
        for name, one in told.items():
            connection = await asyncpg.connect(one["DATABASE_URL"])
            assert await connection.fetchval("select current_schema()") == name
            await connection.close()
        assert told["intake"]["ZALO_API_URL"] == stack.url("zalo")
        assert told["routing"]["ZALO_REFRESH_TOKEN"] is None  # the account has one owner
        keys = await get(f"{told['sla']['OIDC_ISSUER']}/jwks.json")
        assert [key["alg"] for key in keys["keys"]] == ["EdDSA"]


async def test_any_part_can_be_killed_and_started_again(folder: Path, kafka: str) -> None:
    async with stack_in(folder, kafka) as stack:
        for name in ("intake", "zalo", "issuer", "postgres"):
            await stack.kill(name)
            assert not stack.parts[name].alive
            await stack.start(name)
            assert stack.parts[name].alive


async def test_a_part_that_ends_by_itself_is_started_again(folder: Path, kafka: str) -> None:
    async with stack_in(folder, kafka) as stack:
        watching = asyncio.create_task(stack.watch())
        lost = pid_of(stack, "field")
        psutil.Process(lost).kill()

        async def another() -> bool:
            return stack.parts["field"].alive and pid_of(stack, "field") != lost

        assert await until(another, within=30)
        watching.cancel()


async def test_a_folder_has_one_system_at_a_time(folder: Path, kafka: str) -> None:
    async with stack_in(folder, kafka) as first:
        with pytest.raises(AlreadyRunning):
            await stack_in(folder, kafka).up()
        assert first.parts["intake"].alive
        announced = first.state.announced()
        assert announced is not None
        assert announced["urls"]["intake"] == first.url("intake")
        assert (folder / "up.json").stat().st_mode & 0o777 == 0o600
    assert first.state.announced() is None


async def test_services_end_in_peace_and_are_found_where_they_were(folder: Path, kafka: str) -> None:
    async with stack_in(folder, kafka) as stack:
        where = {name: stack.url(name) for name in (*SERVICES, "issuer", "zalo")}
        secret = stack.dev_secret
    assert all("ended in peace" in (folder / "logs" / f"{name}.log").read_text() for name in SERVICES)
    assert not [
        note for note in (folder / "run").glob("*.json") if psutil.pid_exists(json.loads(note.read_text())["pid"])
    ]
    async with stack_in(folder, kafka) as again:
        assert {name: again.url(name) for name in where} == where
        assert again.dev_secret == secret


async def test_a_service_that_cannot_start_is_named_with_its_log(
    folder: Path, kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = stack_in(folder, kafka)
    with monkeypatch.context() as context:
        context.setenv("STANDIN_FAILS", "1")
        with pytest.raises(DidNotStart, match="told to fail") as said:
            await stack.up()
    assert said.value.name in SERVICES
    assert not any(part.alive for part in stack.parts.values())
    async with stack_in(folder, kafka):  # nothing is left that stops the next one
        pass


def pid_of(stack: Stack, name: str) -> int:
    pid = getattr(stack.parts[name], "pid", None)
    assert isinstance(pid, int)
    return pid
