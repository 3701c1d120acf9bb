"""The arithmetic of the judge, compiled by mypyc: `make compiled`. What is edited runs as plain Python again.

The compiled modules lie in a folder that is named by the digest of their sources, so a folder that is found is of the
sources that are there. Without one everything runs as it is written, only slower. ONEDOOR_PLAIN=1 looks for none.
"""

import hashlib
import os
import sys
from collections.abc import Iterable, MutableSequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

MODULES = (
    "events.ordering.progress",
    "events.ordering.order",
    "deadlines.instants",
    "deadlines.calendar",
    "deadlines.promise",
    "deadlines.verdict",
    "sla.judging.arrangement",
    "sla.judging.case",
    "sla.judging.cycle",
    "sla.judging.ledger",
    "sla.judging.row_builder",
    "sla.judging.judge",
)
KEPT = Path(__file__).parent / "kept"  # a folder a digest


def use(package: str, path: MutableSequence[str]) -> None:
    """Have a package find its compiled modules first, if there are any; called where the package begins."""
    if os.environ.get("ONEDOOR_PLAIN") or (folder := place()) is None or not folder.is_dir():
        return
    path.insert(0, str(folder / package.replace(".", "/")))
    if str(folder) not in sys.path:
        sys.path.append(str(folder))  # what the modules of a package share lies beside the packages


@lru_cache(maxsize=1)
def place() -> Path | None:
    """Where the compiled modules of today's sources are or would be; None where a source is not there."""
    found = sources()
    return None if found is None else KEPT / digest(found)


def sources() -> list[Path] | None:
    """The files of the modules; None where one is not there: a service may run without the others' code."""
    found = []
    for module in MODULES:
        top, _, rest = module.partition(".")
        spec = find_spec(top)
        if spec is None or spec.origin is None:
            return None
        found.append(Path(spec.origin).parent / f"{rest.replace('.', '/')}.py")
    return found if all(file.is_file() for file in found) else None


def digest(files: Iterable[Path]) -> str:
    """Of the sources and of the interpreter that they are compiled for."""
    told = hashlib.sha256(sys.version.encode())
    for file in files:
        told.update(file.read_bytes())
    return told.hexdigest()[:16]
