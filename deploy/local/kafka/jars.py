"""The broker's jars, fetched once per user by Maven and shared by every state folder."""

import asyncio
import fcntl
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.errors import LocalError
from local.places import cache

POM = Path(__file__).with_name("pom.xml")


def folder() -> Path:
    """Where the jars of this very pom.xml are or will be."""
    return cache() / f"kafka-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"


def are_here() -> bool:
    return folder().is_dir()


async def fetch() -> Path:
    """The folder with the jars; downloads them when they are not there. One process downloads, others wait for it."""
    # the lock is awaited in a thread: another process may hold it for as long as a slow download takes
    return folder() if are_here() else await asyncio.to_thread(_fetch_alone)


def _fetch_alone() -> Path:
    wanted = folder()
    wanted.parent.mkdir(parents=True, exist_ok=True)
    with _locked(wanted.with_suffix(".lock")):
        if wanted.is_dir():
            return wanted
        # a folder exists whole or not at all: a killed download leaves a temporary one that nobody looks into
        with tempfile.TemporaryDirectory(dir=wanted.parent, prefix=f"{wanted.name}.") as scratch:
            shutil.copy(POM, scratch)
            _maven(Path(scratch), into=Path(scratch) / "jars")
            (Path(scratch) / "jars").rename(wanted)
    return wanted


def _maven(project: Path, into: Path) -> None:
    command = ["mvn", "-q", "-B", "--strict-checksums", "-f", str(project / "pom.xml")]
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={into}"]
    done = subprocess.run([*command, *goal], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise LocalError("Maven could not fetch Kafka's jars:\n" + "\n".join(lines[:6]))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # the kernel gives it back when the holder ends, however it ends
        yield
