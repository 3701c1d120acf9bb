"""An event log in OCEL 2.0's JSON (ocel-standard.org), written while it is read: of what is written only types, units
and work orders are held, and each dossier's own lines wait in a file beside until the events are through.
"""

import json
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, TextIO

from onedoor.exporting.history import DOSSIER, ORDER, History, Kind, Occurrence, Thing, kind, plain

ACTOR: Final = "actor"


class Written(NamedTuple):
    """What a log holds."""

    dossiers: int
    events: int
    objects: int


class _Types:
    """The types that were met, each with its attributes and their kinds."""

    def __init__(self) -> None:
        self._kinds: defaultdict[str, dict[str, Kind]] = defaultdict(dict)

    def meet(self, name: str, attributes: Mapping[str, Any]) -> None:
        self._kinds[name].update({of: kind(value) for of, value in attributes.items()})

    def told(self) -> list[Any]:
        return [
            {"name": name, "attributes": [{"name": of, "type": is_a} for of, is_a in sorted(kinds.items())]}
            for name, kinds in sorted(self._kinds.items())
        ]


def write(histories: Iterable[History], into: TextIO) -> Written:
    """Write the log, the events in the order of the dossiers."""
    event_types, object_types = _Types(), _Types()
    others: dict[str, Any] = {}
    dossiers = events = 0
    with tempfile.TemporaryFile("w+", encoding="utf-8") as waiting:
        into.write('{\n"events": [')
        for history in histories:
            for one in history.events:
                into.write(f"{',' if events else ''}\n{_line(_event(one))}")
                event_types.meet(one.fact, {**one.attributes, ACTOR: one.actor})
                _gather(one, others, object_types)
                events += 1
            waiting.write(f"{',' if dossiers else ''}\n{_line(_dossier(history, object_types))}")
            dossiers += 1
        into.write('\n],\n"objects": [')
        waiting.seek(0)
        shutil.copyfileobj(waiting, into)
        for id, thing in sorted(others.items()):
            into.write(f",\n{_line({'id': id, **thing})}")
    into.write(f'\n],\n"eventTypes": {_line(event_types.told())},\n"objectTypes": {_line(object_types.told())}\n}}\n')
    return Written(dossiers, events, dossiers + len(others))


def _event(one: Occurrence) -> Any:
    said = {**one.attributes, ACTOR: one.actor}
    return {
        "id": one.id,
        "type": one.fact,
        "time": plain(one.at),
        "attributes": [{"name": name, "value": plain(value)} for name, value in said.items()],
        "relationships": [{"objectId": _id(thing), "qualifier": thing.part} for thing in one.things],
    }


def _dossier(history: History, types: _Types) -> Any:
    """What it was from when on, and the work orders that were given for it."""
    lasting = [(name, one.at, value) for one in history.events for name, value in one.lasting.items()]
    types.meet(DOSSIER, {name: value for name, _, value in lasting})
    orders = dict.fromkeys(_id(thing) for one in history.events for thing in one.things if thing.kind == ORDER)
    return {
        "id": history.case_id,
        "type": DOSSIER,
        "attributes": [{"name": name, "time": plain(at), "value": plain(value)} for name, at, value in lasting],
        "relationships": [{"objectId": order, "qualifier": "work_order"} for order in orders],
    }


def _gather(one: Occurrence, others: dict[str, Any], types: _Types) -> None:
    """The units and orders of an event, each once."""
    for thing in one.things[1:]:
        types.meet(thing.kind, {})
        others.setdefault(_id(thing), {"type": thing.kind, "attributes": [], "relationships": []})


def _id(thing: Thing) -> str:
    """Ids are one space: a work order is told from a unit or a dossier of the same name."""
    return f"order:{thing.id}" if thing.kind == ORDER else thing.id


def _line(of: Any) -> str:
    return json.dumps(of, ensure_ascii=False)
