"""What the peers need, in folders of their own below build/peers: never in our environment."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from local.places import CHECKOUT

HERE = Path(__file__).parent
BUILT = CHECKOUT / "build" / "peers"
VENV = BUILT / "venv"
JARS = BUILT / "jars"


def python() -> Path:
    """The Python of the peers' environment, made if what it is to hold has changed. Raises CalledProcessError."""
    wanted = HERE / "requirements.txt"
    if not _holds(VENV, wanted):
        print("fetching the Python peers' packages …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
        pip = [str(VENV / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run([*pip, "--requirement", str(wanted)], check=True)
        _mark(VENV, wanted)
    return VENV / "bin" / "python"


def jars() -> Path:
    """The folder with the jars of Kafka Streams, fetched by Maven. Raises CalledProcessError, or OSError without it."""
    wanted = HERE / "kstreams" / "pom.xml"
    if not _holds(JARS, wanted):
        print("fetching the jars of Kafka Streams …", flush=True)
        shutil.rmtree(JARS, ignore_errors=True)
        JARS.mkdir(parents=True)
        # beside the jars, because Maven leaves its own folder next to the file it was given
        project = str(shutil.copy(wanted, BUILT / "pom.xml"))
        command = ["mvn", "-q", "-B", "--strict-checksums", "-f", project, "dependency:copy-dependencies"]
        subprocess.run([*command, "-DincludeScope=runtime", f"-DoutputDirectory={JARS}"], check=True)
        _mark(JARS, wanted)
    return JARS


def _holds(folder: Path, wanted: Path) -> bool:
    made_of = folder / ".made-of"
    return made_of.exists() and made_of.read_text() == _digest(wanted)


def _mark(folder: Path, wanted: Path) -> None:
    (folder / ".made-of").write_text(_digest(wanted))


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
