"""What the HTTP routes of reports and of seals share: the number asked for, the period of two dates, responses."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Header, Query, Response
from fastapi.responses import HTMLResponse

from deadlines.calendar import FIRST, LAST
from events.actor import Actor
from events.contracts.terms import Word
from events.errors import Refused
from events.http.auth import Allowed
from events.http.parameters import StorableText
from sla.counting.line import Column, Made, Opening
from sla.counting.periods import Period
from sla.i18n.labels import SETTLED, STEPS
from sla.i18n.texts import Text
from sla.reports.columns import figure_of
from sla.reports.document import Document, opened
from sla.reports.page import items_page

Reads = Annotated[Actor, Depends(Allowed("read"))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """Which number of a record is asked for."""

    kind: Opening
    line: str
    columns: tuple[Column | Made, ...]
    step: str | None
    as_page: bool


def asked_number(
    kind: Opening,
    line: StorableText,
    column: Annotated[list[Column | Made] | None, Query()] = None,
    step: Word | None = None,
    accept: Annotated[str, Header()] = "",
) -> Number:
    """A figure by its line and columns; a dwell by its unit and step. A browser that follows a link gets a page."""
    if not column and kind not in ("delays", "dwell"):
        raise Refused("no-column", "a line has many figures", field="column", way_out="name one or more of its columns")
    return Number(kind=kind, line=line, columns=tuple(column or ()), step=step, as_page="text/html" in accept)


AskedNumber = Annotated[Number, Depends(asked_number)]


def period_of(since: date, until: date) -> Period:
    """The period [since, until). Raises Refused: beyond the years of calendars, or empty."""
    if since < FIRST or until > LAST:
        raise Refused(
            "beyond-calendar", f"calendars cover {FIRST} to {LAST}", field="to" if FIRST <= since <= LAST else "from",
            way_out="ask for a period within these years",
        )  # fmt: skip
    if since >= until:
        raise Refused("empty-period", f"{since} is not before {until}", field="to", way_out="`to` is the day after")
    return Period(since, until)


def number_response(told: Document, number: Number, mark: Mapping[str, Any] | None = None) -> Response:
    """The dossiers that a number of a record counts, as JSON or as a page."""
    found = {
        "from": told["from"], "to": told["to"], "kind": number.kind, "line": number.line,
        "names": [name._asdict() for name in _names(number)],
        "items": opened(told, number.kind, number.line, number.columns, number.step), **(mark or {}),
    }  # fmt: skip
    answer = HTMLResponse(items_page(found)) if number.as_page else json_response(found)
    answer.headers["Vary"] = "Accept"
    return answer


def _names(number: Number) -> list[Text]:
    """What the asked number is called; a dwell by its step."""
    if number.columns:
        return [figure_of(number.kind, column) for column in number.columns]
    step = STEPS.get(number.step or "")
    return [SETTLED["delay" if number.kind == "delays" else "dwell"], *([step] if step else [])]


def json_response(value: Any) -> Response:
    return encoded_response(msgspec.json.encode(value))


def encoded_response(body: bytes) -> Response:
    return Response(body, media_type="application/json")


def file_response(body: bytes, name: str, media_type: str) -> Response:
    return Response(body, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})
