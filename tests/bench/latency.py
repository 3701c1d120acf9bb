"""Command → visible on SSE, at 100 commands a second: receive a dossier at intake, see its case at sla."""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles

import aiohttp

from bench.intake import BODY
from events.clock import new_id
from local.stack import Stack

RATE, COUNT = 100, 1000


@asynccontextmanager
async def system(kafka: str, postgres: str) -> AsyncIterator[tuple[Stack, aiohttp.ClientSession]]:
    """A whole one of its own on this broker and server, and somebody to ask it."""
    with tempfile.TemporaryDirectory() as folder:
        prefix = f"l{new_id()[:8]}."
        whole = Stack(Path(folder), free_ports=True, kafka=kafka, database=postgres, topic_prefix=prefix)
        async with whole as stack, aiohttp.ClientSession() as http:
            yield stack, http


async def measure(kafka: str, postgres: str) -> None:
    """Open loop: a command every 10 ms, however long the others take. From a request's start to its event."""
    async with system(kafka, postgres) as (stack, http):
        sent: dict[str, float] = {}
        seen: dict[str, float] = {}
        headers = {name: await bearer(http, stack, name) for name in ("receptionist.PAC-193", "operator.onedoor")}
        listening = asyncio.Event()
        reader = asyncio.create_task(_listen(http, stack, headers["operator.onedoor"], seen, listening))
        await listening.wait()
        print(f"latency: {RATE} commands a second for {COUNT // RATE} s, four services at work")
        began, orders = time.perf_counter(), []
        for number in range(COUNT):
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            orders.append(asyncio.create_task(receive(http, stack, headers["receptionist.PAC-193"], sent)))
        await asyncio.gather(*orders)
        async with asyncio.timeout(30):
            while not sent.keys() <= seen.keys():
                await asyncio.sleep(0.05)
        reader.cancel()
        cuts = quantiles([(seen[case] - sent[case]) * 1000 for case in sent], n=100)
        print(f"  p50 {cuts[49]:.0f} ms, p90 {cuts[89]:.0f} ms, p99 {cuts[98]:.0f} ms   (wanted: p50 50, p99 200)")


async def bearer(http: aiohttp.ClientSession, stack: Stack, client: str) -> dict[str, str]:
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": stack.dev_secret}
    async with http.post(stack.url("issuer") + "/token", data=form) as answer:
        return {"Authorization": f"Bearer {(await answer.json())['access_token']}"}


async def receive(http: aiohttp.ClientSession, stack: Stack, headers: dict[str, str], sent: dict[str, float]) -> None:
    began = time.perf_counter()
    async with http.post(stack.url("intake") + "/applications", json=BODY, headers=headers) as answer:
        sent[(await answer.json())["case_id"]] = began


async def _listen(
    http: aiohttp.ClientSession, stack: Stack, headers: dict[str, str], seen: dict[str, float], listening: asyncio.Event
) -> None:
    timeout = aiohttp.ClientTimeout(total=None)
    async with http.get(stack.url("sla") + "/stream?after=0", headers=headers, timeout=timeout) as answer:
        listening.set()
        async for raw in answer.content:
            if raw.startswith(b"data:"):
                seen.setdefault(json.loads(raw[5:])["case_id"], time.perf_counter())
