"""A table compared with what was sent of earlier ones: what is new, the same or changed in it, and what is gone.

Within one dossier and activity what is equal cancels out. Where exactly one is left on each side it has changed;
anything else is new or gone, because nobody can tell which became which.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from sqlite3 import Row
from typing import Any, Final, NamedTuple

import msgspec

from events.contracts import CATALOGUE
from events.contracts.catalogue import read
from events.errors import OnedoorError, Unreadable
from events.kafka.cloudevent import PREFIX
from onedoor.importing.foreseen import refusal
from onedoor.importing.progress import State, digest_of, encoded
from onedoor.importing.rows import Told, event_id, hashed, refused

VOIDED: Final = "FactVoided"
EVENTS: Final = """
select number, row, case_id, activity, kind, base, answers, day, body, columns from event
where (answers is null) = ?
order by case_id, activity, kind, number
"""
STANDING: Final = """
select id, digest, body from sent where case_id = ? and activity = ? and kind = ? order by id
"""
KEPT: Final = """
update event set id = ?, digest = ?, body = ?, change = ?, stands = ?, before = ?, outcome = ?, void = ?
where number = ?
"""


class Correction(NamedTuple):
    """Who has what changed taken back and said anew, why and when."""

    leader: str
    reason: str
    at: datetime

    def void(self, source: str, case_id: str, id: str, kind: str) -> dict[str, Any]:
        """The event that takes back the one of this id. Raises OnedoorError: leader or reason is no code."""
        data = {
            "case_id": case_id,
            "voids": event_id(source, id),
            "kind": kind,
            "reason": self.reason,
            "leader": self.leader,
        }
        return {
            "specversion": "1.0",
            "id": hashed(VOIDED, id),
            "source": source,
            "subject": case_id,
            "type": f"{PREFIX}{VOIDED}.v{CATALOGUE[VOIDED].schema}",
            "time": self.at.isoformat(),
            "data": data,
        }

    def check(self) -> None:
        """Raises OnedoorError: leader or reason is no code."""
        event = self.void("urn:x", "000.00.30.H49-170710-0001", "x", "CaseClosed")
        try:
            read(VOIDED, CATALOGUE[VOIDED].schema, msgspec.json.encode(event["data"]), trusted=False)
        except Unreadable as wrong:
            option = (wrong.field or "").rpartition(".")[2]
            raise OnedoorError(f"--{option}: {wrong}; codes as in leader-sxd-01 and wrong-time") from None


def compare(state: State, source: str, correction: Correction | None) -> None:
    """Say of every event of the table what it is against what was sent, and what is done with it.

    What answers comes last: the question's id is then known.
    """
    for answers_nothing in (True, False):
        rows = state.db.execute(EVENTS, (answers_nothing,)).fetchall()
        for act, group in groupby(rows, lambda row: (row["case_id"], row["activity"], row["kind"])):
            standing = state.db.execute(STANDING, act).fetchall()
            for kept in _compared(state, source, list(group), standing, correction):
                state.db.execute(KEPT, kept)
    state.compared()


def _compared(
    state: State, source: str, events: Sequence[Row], standing: list[Row], correction: Correction | None
) -> Iterator[tuple[Any, ...]]:
    """The events of one dossier and activity, as they are kept."""
    left: list[tuple[Row, dict[str, Any], bytes]] = []
    for row in events:
        event = _answering(state, source, row)
        digest = digest_of(event, day=bool(row["day"]))
        equal = [one for one in standing if one["digest"] == digest]
        if not equal:
            left.append((row, event, digest))
            continue
        same = next((one for one in equal if one["id"] == row["base"]), equal[0])
        standing.remove(same)
        yield same["id"], digest, same["body"], "same", same["id"], None, None, None, row["number"]
    changed = standing[0] if len(left) == len(standing) == 1 else None
    for row, event, digest in left:
        if changed is None:
            event["id"] = _free(state, row["base"])
            yield event["id"], digest, encoded(event), "new", None, None, None, None, row["number"]
            continue
        id, outcome, void = changed["id"], "held", ""
        if correction is not None:
            event["id"] = _free(state, row["base"], changed["id"])
            if not _will_be_refused(state, source, row, event, correction.at):
                id, outcome = event["id"], ""
                void = encoded(correction.void(source, row["case_id"], changed["id"], row["kind"]))
        stands = changed["id"], changed["body"]
        yield id, digest, encoded(event), "changed", *stands, outcome or None, void or None, row["number"]


def _will_be_refused(state: State, source: str, row: Row, event: Mapping[str, Any], arrived: datetime) -> bool:
    """Whether the gateway will not take it: nothing is taken back for it, and the row is told with the reason."""
    why = refusal(encoded(event), source, row["case_id"], arrived)
    if why is not None:
        problem = {"type": why.rule, "detail": why.detail, "field": why.field, "way_out": why.way_out}
        state.refuse(refused(Told(row["row"], row["case_id"], {}, json.loads(row["columns"])), problem))
    return why is not None


def _answering(state: State, source: str, row: Row) -> dict[str, Any]:
    """The event, with the id that its question is sent under."""
    event: dict[str, Any] = msgspec.json.decode(row["body"])
    if row["answers"] is not None:
        found = state.db.execute("select id from event where base = ? order by number limit 1", (row["answers"],))
        question = found.fetchone()
        event["data"]["answers"] = event_id(source, question["id"] if question else row["answers"])
    return event


def _free(state: State, base: str, voided: str = "") -> str:
    """The id that follows from the row, or from it and a number where that one was voided."""
    id, number = base, 0
    while id == voided or state.db.execute("select 1 from retired where id = ?", (id,)).fetchone():
        number += 1
        id = hashed(base, str(number))
    return id
