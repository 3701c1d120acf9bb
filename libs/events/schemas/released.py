"""The code against everything that was ever released: each schema and each golden."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from events.contracts import CATALOGUE, upcasts
from events.contracts import read as read_fact
from events.errors import UnknownType, Unreadable
from events.schemas.compatible import Break, Schema, breaks
from events.schemas.schemas import ENVELOPE, envelope, identity, schema_of

Named = Mapping[tuple[str, int], Any]
"""Something of each fact and schema number."""

NEW_NUMBER: Final = (
    "take the change back, or say schema={next} at the class and add a step from {schema} to {next} in upcasts.py and "
    "a golden {name}.v{next}.json; schema {schema} stays published as it is"
)


class Refusal(NamedTuple):
    """What of the code does not go together with what was released, and the way out. Of a fact, or of the envelope."""

    fact: str
    broken: Break
    way_out: str


def refusals(schemas: Named, around: Schema | None, goldens: Named) -> Sequence[Refusal]:
    """Everything in the catalogue that breaks a released schema, the released envelope or a golden."""
    return [*_of_envelope(around), *_of_schemas(schemas), *_of_goldens(goldens)]


def _of_envelope(around: Schema | None) -> Iterator[Refusal]:
    for one in breaks(around, envelope(None)) if around is not None else ():
        yield Refusal(ENVELOPE, one, "leave the attribute as it was; what is new becomes an optional attribute")


def _of_schemas(schemas: Named) -> Iterator[Refusal]:
    for (name, schema), released in sorted(schemas.items()):
        entry, fact = CATALOGUE.get(name), identity(name, schema)
        if entry is None or schema > entry.schema:
            now = "not in the catalogue" if entry is None else f"schema={entry.schema}"
            why = "what is on the log for good cannot be read any more"
            broken = Break("the whole", "fact removed", f"schema {schema}", now, "readers and emitters", why)
            yield Refusal(fact, broken, "keep the class; a fact that nobody says any more is still read")
        elif schema == entry.schema:
            for one in breaks(released, schema_of(entry, None)):
                yield Refusal(fact, one, NEW_NUMBER.format(name=name, schema=schema, next=schema + 1))
        else:
            yield from _of_retired(name, schema, released["examples"])


def _of_retired(name: str, schema: int, examples: Sequence[Any]) -> Iterator[Refusal]:
    """An old number is read by the steps from it up to today's."""
    for step in range(schema, CATALOGUE[name].schema):
        if (name, step) not in upcasts.UPCASTS:
            broken = f"no step from {step} to {step + 1}"
            yield _unread(identity(name, schema), broken, f'write UPCASTS["{name}", {step}] in upcasts.py')
            return
    for example in examples:
        yield from _reading(name, schema, example)


def _of_goldens(goldens: Named) -> Iterator[Refusal]:
    for name, entry in sorted(CATALOGUE.items()):
        for schema in range(1, entry.schema + 1):
            if (name, schema) not in goldens:
                way_out = "put one record of it, every field filled, among the goldens"
                why = "nothing shows that what is on the log for good can still be read"
                broken = Break("the whole", "golden missing", "a golden of every number", "no golden", "readers", why)
                yield Refusal(identity(name, schema), broken, way_out)
    for (name, schema), golden in sorted(goldens.items()):
        yield from _reading(name, schema, golden)


def _reading(name: str, schema: int, data: Any) -> Iterator[Refusal]:
    try:
        read_fact(name, schema, json.dumps(data).encode(), trusted=False)
    except (UnknownType, Unreadable) as error:
        way_out = "a golden is never edited: let the class, or the steps in upcasts.py, read it again"
        yield _unread(identity(name, schema), str(error), way_out)


def _unread(fact: str, now: str, way_out: str) -> Refusal:
    why = "what is on the log for good cannot be read any more"
    return Refusal(fact, Break("the whole", "not readable", "readable", now, "readers", why), way_out)
