"""docs/openapi as it is committed, and with every answer's objects closed."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from events.http.openapi import FOLDER, operations

DOCUMENTS: Final[Mapping[str, Any]] = {
    path.stem: json.loads(path.read_text()) for path in sorted((Path(__file__).parents[2] / "docs" / FOLDER).iterdir())
}


def closed(document: Mapping[str, Any]) -> Any:
    """The document with every answer's objects closed: a client may meet more, we say of nothing that is not there."""
    made = json.loads(json.dumps(document))
    asked = {name for _, one in operations(made) for name in named(one.get("requestBody"), made)}
    for name, schema in made["components"]["schemas"].items():
        if name not in asked and name != "Problem" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return made


def named(of: Any, document: Any) -> Iterator[str]:
    """The schemas that a part of the document names, with those that they name."""
    if isinstance(of, dict):
        if (name := str(of.get("$ref", "")).removeprefix("#/components/schemas/")) and "$ref" in of:
            yield name
            yield from named(document["components"]["schemas"].get(name), document)
        for part in of.values():
            yield from named(part, document)
    elif isinstance(of, list):
        for part in of:
            yield from named(part, document)
