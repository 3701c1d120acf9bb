"""What of the language is committed under docs/, as text: the same code makes the same bytes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from events.contracts import CATALOGUE
from events.contracts.intake import ApplicationReceived
from events.errors import OnedoorError
from events.schemas.asyncapi import document
from events.schemas.schemas import ENVELOPE, Schema, envelope, identity, record_of, schema_of

ASYNCAPI: Final = "asyncapi.yaml"
SCHEMAS: Final = "schemas"

Named = Mapping[tuple[str, int], Any]
"""Something of each fact and schema number."""


class _Dumper(yaml.SafeDumper):
    """Without anchors: what is said twice is written twice. Lines of text are written as lines."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)


_Dumper.add_representer(str, _Dumper.represent_str)


def files(goldens: Named, released: Named) -> dict[str, str]:
    """The files by their path under docs/. The schemas of retired numbers are in `released`, and only there.

    Raises OnedoorError for a fact without a golden, which is its example.
    """
    current = {
        (name, entry.schema): schema_of(entry, _golden(goldens, name, entry.schema)) for name, entry in entries()
    }
    retired = {of: schema for of, schema in released.items() if of[0] in CATALOGUE and of[1] < CATALOGUE[of[0]].schema}
    around = envelope(_record(goldens))
    told = document(around, {**retired, **current})
    written = yaml.dump(told, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return {
        ASYNCAPI: f"# Made by `onedoor contracts write`.\n{written}",
        f"{SCHEMAS}/{ENVELOPE}.json": as_text(around),
        **{f"{SCHEMAS}/{identity(*of)}.json": as_text(schema) for of, schema in current.items()},
    }


def _golden(goldens: Named, name: str, schema: int) -> Any:
    if (name, schema) not in goldens:
        raise OnedoorError(f"{identity(name, schema)} has no golden: write one record of it, every field filled")
    return goldens[name, schema]


def _record(goldens: Named) -> Any:
    """A whole record for the envelope to show: a receipt."""
    name, schema = ApplicationReceived.__name__, CATALOGUE[ApplicationReceived.__name__].schema
    data = _golden(goldens, name, schema)
    return record_of(f"case-{data['case_id']}", name, schema, data)


def entries() -> list[tuple[str, Any]]:
    """The catalogue in the order of its names."""
    return sorted(CATALOGUE.items())


def as_text(schema: Schema) -> str:
    """A schema as its file has it."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def by_name(folder: Path) -> dict[tuple[str, int], Any]:
    """The JSON in each file `<Fact>.v<number>.json` of a folder. Raises OnedoorError, naming the file."""
    found = {}
    for path in sorted(folder.glob("*.v*.json")):
        name, _, schema = path.stem.rpartition(".v")
        if not schema.isdecimal():
            raise OnedoorError(f"{path}: a schema's file is called <Fact>.v<number>.json")
        found[name, int(schema)] = read(path)
    return found


def read(path: Path) -> Any:
    """The JSON in a file. Raises OnedoorError, naming it."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as unreadable:
        raise OnedoorError(f"{path}: {unreadable}") from unreadable
