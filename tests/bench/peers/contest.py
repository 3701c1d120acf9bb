"""One log, and sides that take their turns over it: their seconds, and whether they leave the same rows."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import parts
from aiokafka.admin import AIOKafkaAdminClient

from bench.peers import filling, packages
from bench.peers.rows import Differs, checksum
from bench.peers.running import Failed, Run, run
from bench.peers.sides import Side
from events.clock import new_id
from events.settings import Settings
from events.store import database
from local.places import CHECKOUT, import_paths
from sla.app import service

ONCE = 60.0  # seconds; a side that took longer is not run again
SLOWEST, START = 1_000, 60.0  # events a second below which a side is given up, and seconds that it may take to start


@contextmanager
def log(kafka: str, dossiers: int, copies: int = 1) -> Iterator[tuple[str, float]]:
    """The topics, filled once, with each dossier so many times: their prefix and the mean size of a record."""
    prefix = f"peers{new_id()[:8]}."
    print(f"filling: {dossiers * copies * filling.FACTS:,} events of {dossiers * copies:,} dossiers", flush=True)
    try:
        yield prefix, filling.fill(kafka, prefix, dossiers, copies)
    finally:
        asyncio.run(parts.drop_topics(kafka, prefix))


class Contest:
    """All runs so far, and what every side's rows add up to. `again`: a side that took long is run again, too."""

    def __init__(self, kafka: str, postgres: str, prefix: str, dossiers: int, *, again: bool = False) -> None:
        self.runs: dict[str, list[Run]] = {}
        self.failed: dict[str, str] = {}
        self.wrong: list[str] = []
        self._kafka, self._postgres, self._again = kafka, postgres, again
        self._dossiers, self.events = dossiers, dossiers * filling.FACTS
        self._deadline = START + self.events / SLOWEST
        self._sum: tuple[str, str] | None = None
        self._name, urls = asyncio.run(parts.fresh_database(postgres))
        settings = Settings(
            kafka_bootstrap_servers=kafka, database_url=urls["sla"], oidc_issuer="", onedoor_topic_prefix=prefix
        )
        asyncio.run(_migrate(settings))
        self._environment = {
            **settings.environment(),
            "PYTHONPATH": os.pathsep.join([*import_paths(), str(CHECKOUT / "tests")]),
            "PEERS_KAFKA": kafka, "PEERS_TOPICS": ",".join(prefix + topic for topic in filling.TOPICS),
            "PEERS_PARTITIONS": str(filling.PARTITIONS), "PEERS_EVENTS": str(self.events),
            "PEERS_DATABASE": urls["admin"],
        }  # fmt: skip

    def close(self) -> None:
        asyncio.run(parts.drop_database(self._postgres, self._name))

    def take_part(self, side: Side, *, first: bool = True) -> None:
        """Run a side once and look at its rows; not again if it failed or takes long."""
        long = any(run.whole > ONCE for run in self.runs.get(side.name, ()))
        if side.name in self.failed or (long and not self._again):
            return
        try:
            if first and side.before is not None:
                self._run(side.before(), self._folder(side))
            folder = self._folder(side)
            done = self._run(side.command(), folder)
            if side.keeps:
                self._compare(side.name, checksum(folder / "rows.tsv", self._dossiers, self.events))
        except (Failed, subprocess.CalledProcessError, OSError) as error:
            self.failed[side.name] = str(error)
            print(f"  {side.name:<26} no figure: {error}", flush=True)
        except Differs as error:
            self.failed[side.name] = f"not equal: {error}"
            self.wrong.append(f"{side.name}: {error}")
            print(f"  {side.name:<26} NOT EQUAL: {error}", flush=True)
        else:
            self.runs.setdefault(side.name, []).append(done)
            rate = self.events / done.seconds
            print(f"  {side.name:<26} {rate:>10,.0f} events/s, {done.whole:.1f} s in all", flush=True)

    def _run(self, command: list[str], folder: Path) -> Run:
        try:
            return run(command, {**self._environment, "PEERS_FOLDER": str(folder)}, folder, self._deadline)
        finally:
            asyncio.run(_forget(self._kafka, folder.name))

    def _folder(self, side: Side) -> Path:
        """An empty one; its name is new, because peers call their groups and topics by it."""
        runs = packages.BUILT / "runs"
        shutil.rmtree(runs, ignore_errors=True)
        folder = runs / f"{''.join(letter for letter in side.name if letter.isalnum())}-{new_id()[:8]}"
        folder.mkdir(parents=True)
        return folder

    def _compare(self, name: str, found: str) -> None:
        if self._sum is None:
            self._sum = name, found
        elif self._sum[1] != found:
            raise Differs(f"other rows than {self._sum[0]}")


async def _migrate(settings: Settings) -> None:
    pool = await database.connect(settings.database_url)
    await database.migrate(pool, database.LOG, service(settings).migrations)
    await pool.close()


async def _forget(kafka: str, name: str) -> None:
    """Drop the topics that a side made for itself, whatever it put before and behind its name."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        if made := [topic for topic in await admin.list_topics() if name in topic]:
            await admin.delete_topics(made)
    finally:
        await admin.close()
