"""An event log in XES (IEEE 1849): a trace for each dossier, written while it is read."""

from collections.abc import Iterable, Iterator
from typing import Final, TextIO
from xml.sax.saxutils import quoteattr

from onedoor.exporting.history import DOSSIER, ORDER, History, Kind, Occurrence, Value, kind, plain
from onedoor.exporting.ocel import Written

TAGS: Final[dict[Kind, str]] = {
    "string": "string", "integer": "int", "float": "float", "boolean": "boolean", "time": "date",
}  # fmt: skip
HEAD: Final = """\
<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849-2016" xmlns="http://www.xes-standard.org/">
 <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
 <extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
 <extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
 <global scope="trace">
  <string key="concept:name" value=""/>
 </global>
 <global scope="event">
  <string key="concept:name" value=""/>
  <date key="time:timestamp" value="1970-01-01T00:00:00+00:00"/>
 </global>
 <classifier name="Fact" keys="concept:name"/>
"""


def write(histories: Iterable[History], into: TextIO) -> Written:
    """Write the log. The resource of an event is who did it, its group the unit that it is about first."""
    dossiers = events = 0
    things: set[tuple[str, str]] = set()
    into.write(HEAD)
    for history in histories:
        into.write(f" <trace>\n  {_attribute('concept:name', history.case_id)}\n")
        lasting = {name: value for one in history.events for name, value in one.lasting.items()}
        into.writelines(f"  {_attribute(name, value)}\n" for name, value in lasting.items())
        for one in history.events:
            into.write("  <event>\n")
            into.writelines(f"   {line}\n" for line in _event(one))
            into.write("  </event>\n")
            things |= {(thing.kind, thing.id) for thing in one.things if thing.kind != DOSSIER}
        into.write(" </trace>\n")
        dossiers, events = dossiers + 1, events + len(history.events)
    into.write("</log>\n")
    return Written(dossiers, events, dossiers + len(things))


def _event(one: Occurrence) -> Iterator[str]:
    yield _attribute("concept:name", one.fact)
    yield _attribute("time:timestamp", one.at)
    yield _attribute("org:resource", one.actor)
    if group := next((thing.id for thing in one.things if thing.kind not in (DOSSIER, ORDER)), None):
        yield _attribute("org:group", group)
    yield _attribute("id", one.id)
    for thing in one.things[1:]:
        yield _attribute(thing.part, thing.id)
    for name, value in one.attributes.items():
        yield _attribute(name, value)


def _attribute(key: str, value: Value) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(plain(value))
    return f"<{TAGS[kind(value)]} key={quoteattr(key)} value={quoteattr(text)}/>"
