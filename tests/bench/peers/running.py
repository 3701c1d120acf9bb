"""One side run once, a process of its own with a deadline: its seconds, and what it and the servers took meanwhile."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

UNPRINTABLE = re.compile(r"\x1b\[\S*?[a-zA-Z]|[^\s\x20-\x7e]")
LOOK = 0.05  # seconds between two looks at whether it has ended
RESULT = "RESULT "  # what precedes a side's figures, behind whatever its logger puts first
LAST_WORDS = 200  # characters of what a failed side said last


class Failed(Exception):
    """A side that did not come to its end, and why."""


@dataclass(frozen=True)
class Run:
    """`seconds` as the side tells them; `whole` from start to end of its process. Processor seconds of the side with
    its children, of the broker and of PostgreSQL; `memory` in bytes, the most that one of its processes held; `told`:
    all that the side told."""

    seconds: float
    whole: float
    cpu: float
    broker: float
    database: float
    memory: int
    told: Mapping[str, Any]


def run(command: Sequence[str], environment: Mapping[str, str], folder: Path, deadline: float) -> Run:
    """Raises Failed, also when the deadline (in seconds) has passed: nothing of it is left then."""
    before, began = _servers(), time.monotonic()
    with (folder / "output").open("w+") as output:
        try:
            process = subprocess.Popen(
                command, env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT, cwd=folder,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise Failed(str(error)) from error
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        late, memory = False, 0
        while not pid:
            time.sleep(LOOK)
            memory = max(memory, _memory(process.pid))
            if late := time.monotonic() - began > deadline:
                os.killpg(process.pid, signal.SIGKILL)
            pid, status, used = os.wait4(process.pid, 0 if late else os.WNOHANG)
        process.returncode = os.waitstatus_to_exitcode(status)
        whole, after = time.monotonic() - began, _servers()
        if late:
            raise Failed(f"not done within {deadline:,.0f} s")
        output.seek(0)
        said = output.read()
    told = [line.partition(RESULT)[2] for line in said.splitlines() if RESULT in line]
    if process.returncode or not told:
        raise Failed(f"ended with {process.returncode}: {' '.join(UNPRINTABLE.sub('', said)[-LAST_WORDS:].split())}")
    result = json.loads(told[-1])
    return Run(
        seconds=result["seconds"], told=result, whole=whole, cpu=used.ru_utime + used.ru_stime,
        broker=after[0] - before[0], database=after[1] - before[1], memory=memory,
    )  # fmt: skip


def held(pid: int) -> int:
    """The most bytes that a process has held so far; the kernel's own figure, unlike that of wait4, does not begin with
    what the one held that began it. Raises OSError when it has ended."""
    status = Path(f"/proc/{pid}/status").read_text()
    most = next((line for line in status.splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB")
    return int(most.split()[1]) * 1024


def _memory(pid: int) -> int:
    """The most that the process or one of its children has held."""
    most = 0
    try:
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            most = max(most, held(one.pid))
    except (psutil.NoSuchProcess, OSError):  # it has just ended
        pass
    return most


def _servers() -> tuple[float, float]:
    """Processor seconds so far of the broker and of PostgreSQL, if they are ours; 0 where they were given."""
    broker = database = 0.0
    for child in psutil.Process().children(recursive=True):
        try:
            name, times = child.name(), child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        if name == "java":
            broker += times.user + times.system
        elif name.startswith("postgres"):  # those that ended are in the times of the one that began them
            database += times.user + times.system + times.children_user + times.children_system
    return broker, database
