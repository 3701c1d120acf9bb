"""A child process that ends with us, whatever ends us: asked, interrupted or killed.

Linux ends it by itself (parent-death signal). Elsewhere, and for a child whose parent was lost in another way, a
small file names the process, and the next start ends what it still finds under that name.
"""

import asyncio
import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from local.errors import DidNotStart
from local.places import read_json, write_private
from local.wait import Condition, until

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded before any fork: loading after one may hang
_START_TIME_TOLERANCE = 2.0  # seconds; psutil derives it from the boot time, which moves when the clock is set
_LOG_LIMIT = 20_000_000  # bytes; a longer log is set aside at the next start


@dataclass
class Child:
    """One part as a process: how to start it, whether it lives, how to end it."""

    name: str
    command: Sequence[str]
    log: Path
    pid_file: Path
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    user: int | None = None  # the uid to run under, for a root that must not run it itself
    death_signal: signal.Signals = signal.SIGKILL  # what the kernel sends it when we are gone
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def ended_with(self) -> int | None:
        """The exit code (negative: the signal) of the last run; None while it runs or before it ran."""
        return self._process.poll() if self._process else None

    async def spawn(self) -> None:
        """Start it, after ending what an earlier, lost run left behind.

        Call it from the main thread: Linux takes the end of the starting *thread* for the end of the parent.
        """
        await end_stale(self.pid_file)
        self._begin()

    def _begin(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.env) if self.env is not None else None,
                cwd=self.cwd,
                user=self.user,
                group=self.user,
                extra_groups=[] if self.user is not None else None,
                start_new_session=True,  # Ctrl-C in the terminal is for us; we then end the parts in order
                preexec_fn=_dies_with(os.getpid(), self.death_signal) if _LIBC else None,  # noqa: PLW1509 two system calls
            )
        self._remember(self._process.pid)

    async def ready(self, answers: Condition, within: float) -> None:
        """Wait until `answers` says yes; DidNotStart when the process ends or time runs out."""

        async def up() -> bool:
            if not self.alive:
                raise DidNotStart(self.name, f"ended with code {self.ended_with}", self.log)
            return await answers()

        if not await until(up, within=within):
            raise DidNotStart(self.name, f"did not get ready within {within:.0f} s", self.log)

    async def end(self, *, grace: float = 10.0, with_signal: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end; after `grace` seconds, kill it."""
        if self.alive and self._process:
            self._process.send_signal(with_signal)
            if not await self._gone(grace):
                self._process.kill()
                await self._gone(10.0)
        self.pid_file.unlink(missing_ok=True)

    async def kill(self) -> None:
        """SIGKILL, as a power cut would: nothing is flushed, nobody is told."""
        if self._process:
            self._process.kill()
            await self._gone(10.0)
        self.pid_file.unlink(missing_ok=True)

    async def _gone(self, within: float) -> bool:
        async def gone() -> bool:
            return not self.alive

        return await until(gone, within=within, every=0.02)

    def _remember(self, pid: int) -> None:
        try:
            process = psutil.Process(pid)
            note = {"pid": pid, "started": process.create_time(), "program": str(self.command[0])}
        except psutil.NoSuchProcess:
            return  # it ended at once; `ready` says so
        write_private(self.pid_file, json.dumps(note))


def _dies_with(parent: int, death_signal: signal.Signals) -> Callable[[], None]:
    def in_child() -> None:
        assert _LIBC is not None
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # the parent ended between fork and prctl: no signal will come any more
            os._exit(1)

    return in_child


def still_running(note: Mapping[str, object] | None) -> psutil.Process | None:
    """The process that a note names by pid and start time; None when it is gone or its pid is somebody else's now."""
    if note is None:
        return None
    try:
        process = psutil.Process(int(str(note["pid"])))
        same = abs(process.create_time() - float(str(note["started"]))) < _START_TIME_TOLERANCE
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.Error, KeyError, ValueError):
        return None


async def end_stale(pid_file: Path) -> bool:
    """End the process of an earlier run that the file still names; True when there was one."""
    process = still_running(read_json(pid_file))
    if process is None:
        return False
    for stop in (process.terminate, process.kill):
        try:
            stop()
            await asyncio.to_thread(process.wait, 5)
        except psutil.NoSuchProcess:
            break
        except psutil.TimeoutExpired:
            continue
        break
    return True
