"""Apache Kafka from its official image, for a machine with a Docker engine and without Java and Maven."""

import asyncio
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from local.errors import DidNotStart, LocalError
from local.kafka.answers import answers
from local.kafka.settings import CLUSTER_ID, broker_settings
from local.ports import free_port
from local.wait import until

IMAGE = os.environ.get("ONEDOOR_KAFKA_IMAGE", "apache/kafka:4.3.1")
_CONTROLLER = 9093  # inside the container, where nothing else listens
MARK = "container"  # a file in the folder that says: the data is in a volume, not here
_DATA = "/var/lib/kafka/data"


def engine_has_image() -> bool:
    """Whether a Docker engine answers and has the image, or can pull it."""
    if shutil.which("docker") is None or _docker("version", "--format", "{{.Server.Version}}").returncode != 0:
        return False
    return _docker("image", "inspect", IMAGE).returncode == 0 or _docker("pull", "-q", IMAGE).returncode == 0


class Container:
    """The same promises as `Broker`: same port and same data after a kill. The data is in a named volume.

    A container outlives a killed parent, so its name is made from the folder: the next start finds and removes it.
    """

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.name = f"onedoor-kafka-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]}"

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        return _docker("inspect", "-f", "{{.State.Running}}", self.name).stdout.strip() == "true"

    async def start(self) -> None:
        await self._run("rm", "-f", self.name)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / MARK).write_text(self.name)
        listeners = f"PLAINTEXT://0.0.0.0:{self.port},CONTROLLER://localhost:{_CONTROLLER}"
        settings = broker_settings(listeners=listeners, advertised=self.bootstrap, controller=_CONTROLLER)
        settings["log.dirs"] = _DATA
        variables = [f"KAFKA_{name.upper().replace('.', '_')}={value}" for name, value in settings.items()]
        environment = [word for one in [f"CLUSTER_ID={CLUSTER_ID}", *variables] for word in ("-e", one)]
        await self._must(
            *("run", "-d", "--name", self.name, "-p", f"127.0.0.1:{self.port}:{self.port}"),
            *("-v", f"{self.name}:{_DATA}", *environment, IMAGE),
        )
        if not await until(lambda: answers(self.bootstrap), within=90, every=0.2):
            raise DidNotStart("kafka", f"did not answer; see `docker logs {self.name}`")

    async def stop(self) -> None:
        await self._run("stop", "-t", "15", self.name)
        await self._run("rm", "-f", self.name)

    async def kill(self) -> None:
        await self._run("kill", self.name)

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def _run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return await asyncio.to_thread(_docker, *words)

    async def _must(self, *words: str) -> None:
        done = await self._run(*words)
        if done.returncode != 0:
            raise LocalError(f"docker {words[0]} failed: {done.stderr.strip()[-400:]}")


def remove(folder: Path) -> None:
    """Remove the container and the volume that belong to a folder, if it has any."""
    if (folder / MARK).exists():
        name = (folder / MARK).read_text()
        _docker("rm", "-f", name)
        _docker("volume", "rm", "-f", name)


def _docker(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
