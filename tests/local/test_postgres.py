"""The embedded PostgreSQL keeps what was committed through kills, its own and its owner's."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from local.postgres import Postgres, programs

OWNER = """
import asyncio, sys, time
from pathlib import Path
from local.postgres import Postgres
server = Postgres(Path(sys.argv[1]), password="secret", port=int(sys.argv[2]))
asyncio.run(server.start())
print("ready", flush=True)
time.sleep(600)
"""


async def test_committed_rows_survive_a_kill_and_a_restart(folder: Path) -> None:
    server = Postgres(folder / "postgres", password="a secret/with@signs")
    await server.start()
    url = server.admin_url
    await run(url, "create table facts (said text)")
    await run(url, "insert into facts values ('before the kill')")
    await server.kill()
    assert not server.alive
    await server.start()
    await run(url, "insert into facts values ('before the restart')")
    await server.restart()
    assert await column(url, "select said from facts") == ["before the kill", "before the restart"]
    await server.stop()


async def test_a_server_whose_owner_was_killed_starts_again(folder: Path) -> None:
    server = Postgres(folder / "postgres", password="secret")
    owner = run_owner(server)
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"ready\n"
    await run(server.admin_url, "create table facts as select 1 as one")
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    await server.start()
    assert await column(server.admin_url, "select one from facts") == [1]
    await server.stop()


async def test_it_writes_to_the_disk_before_it_answers(folder: Path) -> None:
    """The promise that an accepted command is never lost stands on these two."""
    server = Postgres(folder / "postgres", password="secret")
    await server.start()
    for setting in ("fsync", "synchronous_commit"):
        assert await column(server.admin_url, f"show {setting}") == ["on"]
    await server.stop()


async def test_a_wrong_password_is_refused(folder: Path) -> None:
    server = Postgres(folder / "postgres", password="secret")
    await server.start()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.admin_url.replace("secret", "guess"))
    await server.stop()


def test_the_newest_server_of_the_wheel_is_taken() -> None:
    assert programs().parent.name == "pginstall18"


def run_owner(server: Postgres) -> "subprocess.Popen[bytes]":
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", OWNER, str(server.folder), str(server.port)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=env)


async def run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


async def column(url: str, query: str) -> list[object]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(query)
    await connection.close()
    return [row[0] for row in rows]
