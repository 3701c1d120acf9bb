"""The ports of one system, and what each process is told by its environment."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from local.places import CHECKOUT, import_paths, read_json
from local.ports import free_port, is_free

DEFAULT_PORTS = {"intake": 8101, "routing": 8102, "field": 8103, "sla": 8104, "issuer": 8110, "zalo": 8111}
Clock = Literal["wall", "log"]

# What a user's own environment says about these must not leak into a part that is told something else.
_OURS = ("KAFKA_", "DATABASE_URL", "OIDC_", "ONEDOOR_", "ISSUER_", "FILES_URL", "ZALO_", "SLA_DATABASE_URL")


class PortBook:
    """Which part listens where; written down, so that a system that is started again is found where it was."""

    def __init__(self, path: Path, *, free: bool) -> None:
        self._path, self._free = path, free
        self._known: dict[str, int] = read_json(path) or {}
        self._decided: set[str] = set()  # asked again later, when our own part listens there, the answer stays

    def of(self, name: str) -> int:
        """The default port, or where there is none (or free ones are wanted) the port of last time or a new one."""
        if not self._free and name in DEFAULT_PORTS:
            return DEFAULT_PORTS[name]
        if name in self._decided:
            return self._known[name]
        self._decided.add(name)
        if name not in self._known or not is_free(self._known[name]):
            self._known[name] = free_port()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps(self._known))
        return self._known[name]


def given_zalo() -> Mapping[str, str] | None:
    """The real account's variables, when the environment names one; otherwise intake gets the simulator's."""
    if "ZALO_API_URL" not in os.environ:
        return None
    return {name: value for name, value in os.environ.items() if name.startswith("ZALO_")}


def given_path(name: str) -> Path | None:
    """The file or folder that a variable of our own environment names."""
    return Path(told).resolve() if (told := os.environ.get(name)) else None


def service_environment(
    *,
    port: int,
    kafka: str,
    database: str,
    issuer: str,
    clock: Clock,
    files: Path,
    topic_prefix: str,
    catalogue: Path | None,
    own: Mapping[str, str],
) -> dict[str, str]:
    """The whole environment of one service; `own`: what only this one is told."""
    return {
        **plain_environment(),
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "DATABASE_URL": database,
        "OIDC_ISSUER": issuer,
        "ONEDOOR_HOST": "127.0.0.1",
        "ONEDOOR_PORT": str(port),
        "ONEDOOR_CLOCK": clock,
        "ONEDOOR_INSTANCE": "1",
        "ONEDOOR_TOPIC_PREFIX": topic_prefix,
        "ONEDOOR_CATALOGUE": str(catalogue or CHECKOUT / "deploy" / "catalogue"),
        "FILES_URL": files.resolve().as_uri(),
        **own,
    }


def plain_environment() -> dict[str, str]:
    """Our own environment without what configures a part, and with the way to our packages."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    paths = [*import_paths(), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**kept, "PYTHONUNBUFFERED": "1", **({"PYTHONPATH": os.pathsep.join(paths)} if paths else {})}
