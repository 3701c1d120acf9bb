"""A part ends with us, whatever ends us."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from local.child import Child, end_stale
from local.wait import until

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]

PARENT = """
import asyncio, sys, time
from pathlib import Path
from local.child import Child
child = Child("sleeper", [sys.executable, "-c", "import time; time.sleep(600)"], Path("log"), Path("pid.json"))
asyncio.run(child.spawn())
print(child.pid, flush=True)
time.sleep(600)
"""


def sleeper(folder: Path) -> Child:
    return Child("sleeper", SLEEP, folder / "log", folder / "pid.json")


def run_parent(folder: Path) -> "subprocess.Popen[bytes]":
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, cwd=folder, env=env)


async def gone(pid: int) -> bool:
    async def ended() -> bool:
        return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE

    return await until(ended, within=5)


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
async def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = run_parent(tmp_path)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert psutil.pid_exists(child)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert await gone(child)


async def test_a_start_ends_what_a_lost_run_left_behind(tmp_path: Path) -> None:
    lost = sleeper(tmp_path)
    await lost.spawn()
    found = sleeper(tmp_path)
    await found.spawn()
    assert lost.pid is not None
    assert await gone(lost.pid)
    assert found.alive
    await found.end()
    assert not (tmp_path / "pid.json").exists()


async def test_a_pid_that_is_somebody_elses_now_is_left_alone(tmp_path: Path) -> None:
    note = tmp_path / "pid.json"
    note.write_text(json.dumps({"pid": os.getpid(), "started": psutil.Process().create_time() - 60}))
    assert not await end_stale(note)


async def test_a_child_that_ignores_the_request_is_killed_after_its_grace(tmp_path: Path) -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    child = Child("deaf", [sys.executable, "-c", deaf], tmp_path / "log", tmp_path / "pid.json")
    await child.spawn()

    async def is_deaf() -> bool:
        return "deaf" in (tmp_path / "log").read_text()

    assert await until(is_deaf, within=10)
    await child.end(grace=0.2)
    assert child.ended_with == -signal.SIGKILL
