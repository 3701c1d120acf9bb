"""Apache Kafka in a container, from an image with the contract of apache/kafka (KAFKA_* settings, one start script)."""

import io
import tarfile
from typing import Self

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from local.kafka.settings import CLUSTER_ID, broker_settings

_GO = "/tmp/onedoor-start.sh"
_CLIENTS, _INSIDE, _CONTROLLER = 9092, 9093, 9094


class ApacheKafkaContainer(DockerContainer):
    """The port that clients are to be told is known only when Docker has mapped it.

    So the container first waits for a script, and the script is put in when the port is known.
    """

    def __init__(self, image: str) -> None:
        super().__init__(image)
        self.with_exposed_ports(_CLIENTS)
        self.with_command(f'sh -c "until [ -f {_GO} ]; do sleep 0.1; done; exec bash {_GO}"')
        settings = broker_settings(
            listeners=f"PLAINTEXT://0.0.0.0:{_CLIENTS},INSIDE://0.0.0.0:{_INSIDE},CONTROLLER://0.0.0.0:{_CONTROLLER}",
            advertised="to be told",
            controller=_CONTROLLER,
        )
        del settings["advertised.listeners"]
        settings["inter.broker.listener.name"] = "INSIDE"
        settings["listener.security.protocol.map"] += ",INSIDE:PLAINTEXT"
        self.with_env("CLUSTER_ID", CLUSTER_ID)
        for name, value in settings.items():
            self.with_env(f"KAFKA_{name.upper().replace('.', '_')}", value)

    def bootstrap(self) -> str:
        return f"{self.get_container_host_ip()}:{self.get_exposed_port(_CLIENTS)}"

    def start(self) -> Self:
        super().start()
        inside = f"INSIDE://$(hostname -i | cut -d' ' -f1):{_INSIDE}"
        script = (
            f"export KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://{self.bootstrap()},{inside}\nexec /etc/kafka/docker/run\n"
        ).encode()
        entry = tarfile.TarInfo(_GO.rpartition("/")[2])
        entry.size, entry.mode = len(script), 0o644
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.addfile(entry, io.BytesIO(script))
        self.get_wrapped_container().put_archive("/tmp", packed.getvalue())
        LogMessageWaitStrategy(r"Kafka Server started").with_startup_timeout(90).wait_until_ready(self)
        return self
