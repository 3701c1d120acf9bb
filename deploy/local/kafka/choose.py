"""Which way to a Kafka broker this machine offers, and how the missing tools are had where they can be."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from local.errors import NoKafka
from local.kafka import image, jars
from local.kafka.broker import Broker
from local.kafka.image import Container

OLDEST_JAVA = 17  # Kafka 4's servers need it


def embedded(folder: Path, *, port: int | None = None, log: Path | None = None) -> Broker | Container:
    """A broker not yet started: from jars, else from its image, else from jars after installing Maven by apt.

    Raises NoKafka, which names the three ways out.
    """
    missing = missing_tools()
    if not missing:
        return Broker(folder, port=port, log=log)
    if image.engine_has_image():
        return Container(folder, port=port)
    if _is_debian_root():
        _install_by_apt(missing)
        missing = missing_tools()
        if not missing:
            return Broker(folder, port=port, log=log)
    raise NoKafka(f"{' and '.join(missing)} missing, no Docker engine with the image {image.IMAGE}")


def missing_tools() -> list[str]:
    """What stands between this machine and a broker from jars, in words. Maven counts only while jars are needed."""
    missing = [] if (java_version() or 0) >= OLDEST_JAVA else [f"Java {OLDEST_JAVA}"]
    if not jars.are_here() and shutil.which("mvn") is None:
        missing.append("Maven")
    return missing


def java_version() -> int | None:
    """The major version of `java`, or None when there is none."""
    if shutil.which("java") is None:
        return None
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    return int(found[1]) if found else None


def _is_debian_root() -> bool:
    return os.geteuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def _install_by_apt(missing: list[str]) -> None:
    print(f"onedoor: {' and '.join(missing)} missing; installing Maven and Java by apt …", file=sys.stderr, flush=True)
    # slim images leave manual pages out, and Java's package fails to link one into a folder that is not there
    Path("/usr/share/man/man1").mkdir(parents=True, exist_ok=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    packages = ["maven", "default-jre-headless", "ca-certificates"]
    for step in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        done = subprocess.run(["apt-get", *step], env=quiet, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"onedoor: apt-get {step[0]} failed: {done.stderr.strip()[-400:]}", file=sys.stderr)
            return
