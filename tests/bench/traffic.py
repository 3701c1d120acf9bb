"""Live traffic while the judged tables are rebuilt: command → visible on SSE with no rebuild, with throttled and with
unthrottled ones; and whether somebody who reads on through the swaps is ever shown nothing, or an older row.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from random import Random
from statistics import quantiles
from typing import Any

import aiohttp

from bench.latency import bearer, receive, system
from local.stack import Stack

RATE, READS, SECONDS = 50, 85, 40  # commands and reads a second, and how long each of the three goes on
LOOK = 0.1  # seconds between two looks at a run
REBUILDS: Mapping[str, dict[str, int] | None] = {
    "no rebuild": None, "rebuilds throttled to 25%": {"throttle": 25}, "rebuilds unthrottled": {},
}  # fmt: skip


async def measure(kafka: str, postgres: str) -> None:
    """Open loops: a command every 20 ms and a read every 12 ms, however long the others take."""
    async with system(kafka, postgres) as (stack, http):
        print(f"traffic: {RATE} commands and {READS} reads a second, one rebuild after the other")
        traffic = Traffic(http, stack, await bearer(http, stack, "operator.onedoor"))
        clerk = await bearer(http, stack, "receptionist.PAC-193")
        listening = asyncio.create_task(traffic.listen())
        first = None
        for name, body in REBUILDS.items():
            ended = asyncio.Event()
            reading = asyncio.create_task(traffic.read(ended))
            rebuilding = asyncio.create_task(traffic.rebuild(body, ended))
            sent = await traffic.command(clerk)
            ended.set()
            runs = await rebuilding
            await reading
            cuts = quantiles([(traffic.seen[case] - sent[case]) * 1000 for case in sent], n=100)
            first = first or cuts[98]
            told = f"p50 {cuts[49]:>5.0f} ms, p99 {cuts[98]:>5.0f} ms, {cuts[98] / first:.1f} of the first"
            print(f"  {name:<27} {told}; {len(sent)} commands, {runs} rebuilds")
        listening.cancel()
        print(f"  {traffic.reads:,} reads, {traffic.empty} shown nothing, {traffic.older} shown an older row")


class Traffic:
    """What was sent, seen and read so far."""

    def __init__(self, http: aiohttp.ClientSession, stack: Stack, operator: dict[str, str]) -> None:
        self.http, self.stack, self.operator = http, stack, operator
        self.seen: dict[str, float] = {}
        self.told: dict[str, str] = {}  # how far each case was judged when the stream last told of it
        self.reads = self.empty = self.older = 0
        self._random = Random(1)

    async def command(self, clerk: dict[str, str]) -> dict[str, float]:
        """Receive dossiers for a while; when each was asked for. Waits until all of them are seen."""
        began, sent = time.perf_counter(), dict[str, float]()
        orders = []
        for number in range(RATE * SECONDS):
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            orders.append(asyncio.create_task(receive(self.http, self.stack, clerk, sent)))
        await asyncio.gather(*orders)
        async with asyncio.timeout(60):
            while not sent.keys() <= self.seen.keys():
                await asyncio.sleep(LOOK)
        return sent

    async def listen(self) -> None:
        """Follow the live cases."""
        url, timeout = self.stack.url("sla") + "/stream?after=0", aiohttp.ClientTimeout(total=None)
        async with self.http.get(url, headers=self.operator, timeout=timeout) as answer:
            async for raw in answer.content:
                if raw.startswith(b"data:"):
                    status = json.loads(raw[5:])
                    if status["cycles"]:  # a case is there before its receipt is heard
                        self.seen.setdefault(status["case_id"], time.perf_counter())
                        self.told[status["case_id"]] = status["cycles"][0]["judged_to"]

    async def read(self, ended: asyncio.Event) -> None:
        """Look at cases that the stream has told of: each must be there, and judged at least so far."""
        began, number, asked = time.perf_counter(), 0, []
        while not ended.is_set():
            number += 1
            await asyncio.sleep(max(0.0, began + number / READS - time.perf_counter()))
            if self.told:
                asked.append(asyncio.create_task(self._read(self._random.choice(list(self.told)))))
        await asyncio.gather(*asked)

    async def _read(self, case: str) -> None:
        known = self.told[case]
        async with self.http.get(self.stack.url("sla") + f"/cases/{case}", headers=self.operator) as answer:
            found: dict[str, Any] = await answer.json()
        self.reads += 1
        if answer.status != 200 or not found["cycles"]:
            self.empty += 1
        elif found["cycles"][0]["judged_to"] < known:
            self.older += 1

    async def rebuild(self, body: dict[str, int] | None, ended: asyncio.Event) -> int:
        """One rebuild after the other, each swapped in; how many."""
        runs, url = 0, self.stack.url("sla") + "/rebuilds"
        while body is not None and not ended.is_set():
            async with self.http.post(url, json=body, headers=self.operator) as answer:
                begun = await answer.json()
            if answer.status == 409:  # the one before is still clearing up
                await asyncio.sleep(LOOK)
                continue
            told = {"state": "running"}
            while told["state"] == "running":
                await asyncio.sleep(LOOK)
                async with self.http.get(f"{url}/{begun['run']}", headers=self.operator) as answer:
                    told = await answer.json()
            assert told["state"] == "done", told
            runs += 1
        return runs
