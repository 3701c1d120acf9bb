"""Where things live: state in one folder that can be wiped, downloads in a cache that several folders share."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]


def home() -> Path:
    """The state folder: ONEDOOR_HOME, or `.onedoor` where the command is given."""
    return Path(os.environ.get("ONEDOOR_HOME") or ".onedoor").resolve()


def cache() -> Path:
    """Downloads of this user: ONEDOOR_CACHE, or `onedoor` below the user's cache folder. Never wiped by us."""
    given = os.environ.get("ONEDOOR_CACHE")
    return (
        Path(given).resolve() if given else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "onedoor"
    )


def segments(state: Path) -> Path:
    """Where exported topics lie unless another folder is named."""
    return state.resolve() / "segments"


def import_paths() -> list[str]:
    """What a child needs on PYTHONPATH to import what we import; empty when everything is installed."""
    return [str(CHECKOUT / part) for part in ("libs", "services", "deploy") if (CHECKOUT / part).is_dir()]


def write_private(path: Path, content: str) -> None:
    """Replace a file that only its owner may read, in one step, so that a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
    fresh.replace(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a file of ours, or None when it is absent or was torn by a kill."""
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return content if isinstance(content, dict) else None


class Secrets:
    """Passwords and keys made once per state folder and kept in it, readable by the owner alone."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "secrets.json"
        self._known: dict[str, str] = read_json(self._path) or {}

    def get(self, name: str) -> str:
        """The secret of that name; the first call makes it."""
        if name not in self._known:
            self._known[name] = secrets.token_urlsafe(18)
            write_private(self._path, json.dumps(self._known, indent=1))
        return self._known[name]
