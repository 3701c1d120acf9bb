"""The real Apache Kafka from its jars, as a child process: one KRaft node on this machine."""

import asyncio
import subprocess
from pathlib import Path

from local.child import Child
from local.errors import LocalError
from local.kafka import jars
from local.kafka.answers import answers
from local.kafka.settings import CLUSTER_ID, broker_settings
from local.ports import free_port

_LOGGING = Path(__file__).with_name("log4j2.properties")
_READY_WITHIN = 60.0  # seconds; it takes two, and more where the machine is busy or a killed log is recovered

# Measured on two cores: with the serial collector and the first compiler alone the broker is ready in 1.5-1.9 s
# (G1 and both compilers: 2.5 s), takes half the processor time and, over the first millions of records, which is
# all that a laptop or a test ever sends, carries more of them: 245,000-345,000/s against 140,000-236,000/s.
# A heap that begins small takes 312 MB at rest instead of 409 and carries as much.
_JVM = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true"]
_SMALLEST_HEAP = "128m"


class Broker:
    """A broker whose data is in `folder`; killed and started again it keeps its port and its data."""

    def __init__(self, folder: Path, *, port: int | None = None, log: Path | None = None, heap: str = "512m") -> None:
        self.folder = folder
        self.port = port or free_port()
        self._controller = free_port()
        self._heap = heap
        self.log = log or folder / "broker.log"
        self._child: Child | None = None

    @property
    def bootstrap(self) -> str:
        """What KAFKA_BOOTSTRAP_SERVERS is to say."""
        return f"127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.alive

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    async def start(self) -> None:
        """Fetch the jars if they are not here, format the folder if it is new, start, and wait for an answer."""
        libs = await jars.fetch()
        properties = self._write_properties()
        if not (self.folder / "data" / "meta.properties").exists():
            await asyncio.to_thread(self._format, libs, properties)
        heap = [f"-Xms{_SMALLEST_HEAP}", f"-Xmx{self._heap}"]
        command = [*_java(libs, *heap, *_JVM), "kafka.Kafka", str(properties)]
        self._child = Child("kafka", command, self.log, self.folder / "pid.json")
        await self._child.spawn()
        await self._child.ready(lambda: answers(self.bootstrap), _READY_WITHIN)

    async def stop(self) -> None:
        if self._child:
            await self._child.end(grace=15)

    async def kill(self) -> None:
        """SIGKILL: what the operating system had not been given yet is gone."""
        if self._child:
            await self._child.kill()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    def _write_properties(self) -> Path:
        listeners = f"PLAINTEXT://{self.bootstrap},CONTROLLER://127.0.0.1:{self._controller}"
        settings = broker_settings(listeners=listeners, advertised=self.bootstrap, controller=self._controller)
        settings["log.dirs"] = str(self.folder / "data")
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "server.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        return path

    def _format(self, libs: Path, properties: Path) -> None:
        tool = ["kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", CLUSTER_ID, "-c", str(properties)]
        done = subprocess.run([*_java(libs, "-Xmx128m", *_JVM), *tool], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LocalError(f"Kafka could not format {self.folder}: {(done.stderr or done.stdout).strip()[-600:]}")


def _java(libs: Path, *options: str) -> list[str]:
    return ["java", *options, f"-Dlog4j2.configurationFile={_LOGGING}", "-cp", f"{libs}/*"]
