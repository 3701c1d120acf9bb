"""A service as a process: it serves until it is asked to stop, drains, ends well, and every line it writes is JSON."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
from contracts.given import eventually
from contracts.servers import issuing

import events
from local.ports import free_port

PROGRAM = """
import asyncio, sys
from pathlib import Path
from asyncpg import UniqueViolationError
from fastapi import APIRouter
from pydantic import ValidationError
from events.contracts.terms import Limit
from events.service.runtime import Service, run
from events.settings import Settings

def api(parts):
    router = APIRouter()
    @router.get("/mistake")
    async def mistake():
        try:
            Limit(amount="Nguyen Van An", unit="working_days")
        except ValidationError as invalid:
            error = UniqueViolationError("duplicate key")
            error.detail = "Key (phone)=(0912345678) already exists."
            raise ZeroDivisionError(f"a mistake: {error}") from invalid
    return router

asyncio.run(run(Service(name="tiny", says=("intake.events",), hears=("intake.events",), migrations=Path(sys.argv[1]),
                        api=api, followers=lambda parts: ()), Settings()))
"""


async def test_a_process_serves_until_it_is_told_to_stop(
    new_schema: Callable[[], Awaitable[str]], kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    """SIGTERM while it works: it ends by itself with 0, and its log can be read by machines, mistakes included."""
    port, migrations = free_port(), tmp_path / "tiny" / "migrations"
    migrations.mkdir(parents=True)
    url = f"http://127.0.0.1:{port}"
    async with issuing() as issuer:
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": kafka, "DATABASE_URL": await new_schema(), "OIDC_ISSUER": issuer.url,
            "ONEDOOR_PORT": str(port), "ONEDOOR_TOPIC_PREFIX": topic_prefix,
            "PYTHONPATH": str(Path(events.__file__).parents[1]), "PATH": os.environ["PATH"],
        }  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, str(migrations), env=environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with aiohttp.ClientSession() as http:
                await eventually(
                    lambda: process.returncode is not None or _answers(http, f"{url}/health/ready", 200), within=90
                )
                assert process.returncode is None
                await eventually(lambda: _answers(http, f"{url}/mistake", 500))
            process.send_signal(signal.SIGTERM)
            out, err = await asyncio.wait_for(process.communicate(), 20)
        except BaseException:
            if process.returncode is None:
                process.kill()
            print(*(written.decode() for written in await process.communicate()))
            raise
    assert process.returncode == 0, err.decode()
    assert err.decode() == ""
    lines = [json.loads(line) for line in out.decode().splitlines()]
    assert {line["service"] for line in lines} == {"tiny"}
    assert "0912345678" not in out.decode()
    assert "Nguyen" not in out.decode()
    assert any(line["event"] == "unexpected" and "ZeroDivisionError" in line["exception"] for line in lines)


async def _answers(http: aiohttp.ClientSession, url: str, status: int) -> bool:
    try:
        async with http.get(url) as answer:
            return answer.status == status
    except aiohttp.ClientConnectionError:
        return False
