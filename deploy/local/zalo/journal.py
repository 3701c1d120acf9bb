"""What the simulator must not forget when it is killed: one JSON object a line, appended before the answer."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


class Journal:
    """An append-only file. A line is with the operating system before `keep` returns: a kill cannot take it back."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._drop_torn_line()
        self._file = path.open("ab", buffering=0)

    def read(self) -> Iterator[dict[str, Any]]:
        """Everything kept so far, in order."""
        with self._path.open("rb") as file:
            for line in file:
                yield json.loads(line)

    def keep(self, entry: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")

    def close(self) -> None:
        self._file.close()

    def _drop_torn_line(self) -> None:
        """Cut off what follows the last line end: it was being written when we were killed, and nobody was told."""
        if not self._path.exists():
            return
        with self._path.open("r+b") as file:
            content = file.read()
            file.truncate(content.rfind(b"\n") + 1)
