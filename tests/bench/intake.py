"""An intake command (HTTP → committed) against a bare FastAPI handler that inserts one row with asyncpg."""

import asyncio
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from bench.figures import line, ratio
from events.clock import new_id
from local.ports import free_port
from local.stack import Stack
from local.wait import listens, until

RUNS, SECONDS, AT_ONCE = 3, 5.0, 16
BODY = {
    "counter": "PAC-193", "service": "LV-RES-URBAN@2017-07-01", "district": "DL-193",
    "documents": ["request-form", "identity", "household-book"],
    "applicant": {"name": "Nguyễn Văn Mẫu", "phone": "0900000001", "address": "1 Đường Mẫu"},
}  # fmt: skip


async def compare(kafka: str, postgres: str) -> None:
    """One loaded at a time; the other idle. The client shares the cores with the server, on both sides alike."""
    with tempfile.TemporaryDirectory() as folder:
        async with Stack(
            Path(folder), free_ports=True, kafka=kafka, database=postgres, topic_prefix=f"b{new_id()[:8]}.",
            modules={"intake": "intake"},
        ) as stack:  # fmt: skip
            assert stack.databases is not None
            port = free_port()
            bare = await asyncio.create_subprocess_exec(
                sys.executable, str(Path(__file__).with_name("bare.py")),
                env={**os.environ, "DATABASE_URL": stack.databases.services["field"], "PORT": str(port)},
            )  # fmt: skip
            print(f"intake: {AT_ONCE} clients, {SECONDS:.0f} s a run; a dossier received with its code, person and key")
            theirs, ours = [], []
            token = await _token(stack)
            try:
                await _until_it_answers(port)
                for _ in range(RUNS):
                    theirs.append(await _load(f"http://127.0.0.1:{port}/applications", {}))
                    ours.append(
                        await _load(stack.url("intake") + "/applications", {"Authorization": f"Bearer {token}"})
                    )
            finally:
                bare.terminate()
                await bare.wait()
            ratio_of = line("bare FastAPI, one insert", theirs, "requests/s")
            ratio(line("intake: receive a dossier", ours, "requests/s"), ratio_of, "at least 0.6")


async def _token(stack: Stack) -> str:
    form = {"grant_type": "client_credentials", "client_id": "receptionist.PAC-193", "client_secret": stack.dev_secret}
    async with aiohttp.ClientSession() as http, http.post(stack.url("issuer") + "/token", data=form) as answer:
        return str((await answer.json())["access_token"])


async def _until_it_answers(port: int) -> None:
    if not await until(lambda: listens("127.0.0.1", port), within=10):
        raise TimeoutError("the bare server does not answer")


async def _load(url: str, headers: Mapping[str, str]) -> float:
    """Requests a second that were answered 201, from AT_ONCE clients."""
    keys, run = itertools.count(), new_id()
    done = 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as http:
        until = time.perf_counter() + SECONDS

        async def client() -> None:
            nonlocal done
            while time.perf_counter() < until:
                key = {"Idempotency-Key": f"{run}-{next(keys)}"}
                async with http.post(url, json=BODY, headers={**headers, **key}) as answer:
                    assert answer.status == 201, await answer.text()
                    await answer.read()
                done += 1

        began = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(AT_ONCE)))
        return done / (time.perf_counter() - began)
