"""What a calendar may say of opening hours: in a file, over HTTP and in a what-if it is one schema that decides."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from oracle.swapped import NONE
from oracle.telling import local
from pydantic import BaseModel, ValidationError

from deadlines.calendar import Calendar
from deadlines.catalogue import Catalogue
from deadlines.entries import CalendarEntry, CatalogueFile, Service
from deadlines.errors import CatalogueError
from deadlines.instants import day_of, second_of
from deadlines.load import load_file
from deadlines.promise import due
from deadlines.published import file_of
from deadlines.verdict import by_date
from events.contracts.rules import CalendarPublished, CalendarTerms, Era, Opening
from events.contracts.terms import Limit
from onedoor.verifier import Calendar as VerifiersCalendar
from sla.evidence.proofs import rules_document
from sla.judging.case_rules import Rules

WEEK: Mapping[str, Any] = {"weekdays": [1, 2, 3, 4, 5], "sessions": [["07:00", "11:30"], ["13:30", "17:00"]]}
SHIPPED = Path(__file__).parents[2] / "deploy" / "catalogue"
SATURDAY: Mapping[str, Any] = {"weekdays": [6], "sessions": [["07:30", "11:30"]]}


def entry(*hours: Mapping[str, Any], overrides: Any = ()) -> dict[str, Any]:
    """A calendar as a file has it, in force since 1990."""
    return {
        "id": "X-Y@2017.1", "country": "VN", "cutoff_at": "15:00", "basis": "x",
        "hours": [{"from": "1990-01-01", "basis": "x", **one} for one in hours],
        "overrides": [{"basis": "x", **one} for one in overrides],
    }  # fmt: skip


def built(*hours: Mapping[str, Any], overrides: Any = ()) -> Calendar:
    return CalendarEntry.model_validate(entry(*hours, overrides=overrides)).build()


def with_sessions(*sessions: Any) -> dict[str, Any]:
    return entry({**WEEK, "sessions": list(sessions)})


def half_day(*sessions: Any) -> dict[str, Any]:
    return entry(WEEK, overrides=[{"date": "2017-07-10", "day": "half", "sessions": list(sessions)}])


SESSIONS = ("hours", 0, "sessions")
WRONG: dict[str, tuple[dict[str, Any], tuple[int | str, ...], str]] = {
    "ends before it begins": (with_sessions(["13:30", "11:30"]), (*SESSIONS, 0), "end after it begins"),
    "ends at the midnight before": (with_sessions(["13:30", "00:00"]), (*SESSIONS, 0), '"24:00"'),
    "is empty": (with_sessions(["07:00", "11:30"], ["13:30", "13:30"]), (*SESSIONS, 1), "end after it begins"),
    "overlaps": (with_sessions(["07:00", "12:00"], ["11:30", "17:00"]), SESSIONS, "11:30:00 begins before 12:00:00"),
    "in the wrong order": (with_sessions(["13:30", "17:00"], ["07:00", "11:30"]), SESSIONS, "07:00:00 begins before"),
    "begins at 24:00": (with_sessions(["24:00", "24:00"]), (*SESSIONS, 0, 0), "match"),
    "no time of day": (with_sessions(["07:00", "24:01"]), (*SESSIONS, 0, 1), "match"),
    "an hour without its zero": (with_sessions(["7:00", "11:30"]), (*SESSIONS, 0, 0), "match"),
    "in another zone": (with_sessions(["07:00+00:00", "11:30"]), (*SESSIONS, 0, 0), "match"),
    "no session": (with_sessions(), SESSIONS, "at least 1"),
    "no weekday": (entry({**WEEK, "weekdays": []}), ("hours", 0, "weekdays"), "at least 1"),
    "no hours": (entry(), ("hours",), "at least 1"),
    "a half day that ends before it begins": (
        half_day(["11:00", "07:00"]), ("overrides", 0, "sessions", 0), "end after it begins",
    ),
    "a half day that overlaps": (
        half_day(["07:00", "09:00"], ["08:00", "10:00"]), ("overrides", 0, "sessions"), "08:00:00 begins before",
    ),
    "a cut-off at the end of the day": (entry(WEEK) | {"cutoff_at": "24:00"}, ("cutoff_at",), "match"),
    "one weekday in two hours in force": (
        entry(WEEK, {"weekdays": [5, 6], "sessions": [["07:30", "11:30"]]}), ("hours",), "weekday 5",
    ),
    "one day twice": (
        entry(WEEK, overrides=[{"date": "2017-07-10", "day": "off"}, {"date": "2017-07-10", "day": "make-up"}]),
        ("overrides",), "2017-07-10 stands twice",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_hours_are_refused_with_the_path_of_the_field(name: str) -> None:
    content, path, sentence = WRONG[name]
    with pytest.raises(ValidationError) as refused:
        CalendarEntry.model_validate(content)
    (error,) = refused.value.errors()
    assert error["loc"] == path
    assert sentence in error["msg"]


SERVICE: Mapping[str, Any] = {
    "id": "X@2017-07-01", "from": "2017-07-01", "name": {"vi": "x", "en": "x"}, "field": "LV", "calendar": "X-Y@2017.1",
    "limit": {"amount": 1, "unit": "working_days"}, "clock_policy": "PAUSE", "process": "LV", "checklist": "x",
    "basis": "x",
}  # fmt: skip
LAX_DATES = (0, 0.0, True, "0", "631152000", "1990-01-01T00:00:00", "1990-01-01T00:00:00Z", "1990-1-1", "19900101")
LAX_NUMBERS = (True, "1", "1.0", 1.5)
LAX_FLAGS = (0, 1, "yes", "true", "on", None)
LAX_TIMES = (0, 900, True, "15", "15:00Z")
LAX = [
    *(("from", "hours.0.from", value) for value in LAX_DATES),
    *(("to", "hours.0.to", value) for value in LAX_DATES),
    *(("unsure", "hours.0.unsure", value) for value in LAX_FLAGS),
    *(("weekdays", "hours.0.weekdays.0", value) for value in LAX_NUMBERS),
    *(("date", "overrides.0.date", value) for value in LAX_DATES),
    *(("unsure", "overrides.0.unsure", value) for value in LAX_FLAGS),
    *(("unsure", "unsure", value) for value in LAX_FLAGS),
    *(("cutoff_at", "cutoff_at", value) for value in LAX_TIMES),
]


@pytest.mark.parametrize(("name", "path", "value"), LAX)
def test_a_value_of_another_kind_is_refused_with_the_path_of_the_field(name: str, path: str, value: Any) -> None:
    """What the schema calls a date, an integer or a boolean is nothing that could be read as one."""
    content = entry(WEEK, overrides=[{"date": "2017-07-10", "day": "off"}])
    part: Any = content
    for step in path.split(".")[:-1]:
        part = part[int(step) if step.isdigit() else step]
    if name == "weekdays":
        content["hours"][0]["weekdays"] = [value]
    else:
        part[name] = value
    assert [".".join(map(str, one["loc"])) for one in errors_of(CalendarEntry, content)] == [path]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("from", value) for value in LAX_DATES),
        *(("to", value) for value in LAX_DATES),
        *(("unsure", value) for value in LAX_FLAGS),
    ],
)
def test_a_service_is_read_as_strictly(name: str, value: Any) -> None:
    assert [one["loc"] for one in errors_of(Service, {**SERVICE, name: value})] == [(name,)]


def errors_of(cls: type[BaseModel], content: Any) -> list[Any]:
    """Both as JSON and as the plain values that a body over HTTP and a file give: the same errors."""
    with pytest.raises(ValidationError) as of_values:
        cls.model_validate(content)
    with pytest.raises(ValidationError) as of_json:
        cls.model_validate_json(json.dumps(content))
    errors = of_values.value.errors(include_url=False, include_context=False)
    assert [one["loc"] for one in of_json.value.errors()] == [one["loc"] for one in errors]
    return list(errors)


def test_whole_numbers_and_the_dates_of_a_file_are_read_as_they_are() -> None:
    """JSON has no integers of its own: 1.0 is 1. YAML gives dates."""
    told = CalendarEntry.model_validate(entry({**WEEK, "from": date(1990, 1, 1), "weekdays": [1.0, 2]}))
    assert (told.hours[0].since, told.hours[0].weekdays) == (date(1990, 1, 1), (1, 2))
    assert all(type(day) is int for day in told.hours[0].weekdays)
    assert Service.model_validate(SERVICE).since == date(2017, 7, 1)


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.name)
def test_every_file_of_the_deployment_is_read(path: Path) -> None:
    """And again from the JSON that it is kept as."""
    file = load_file(path)
    assert CatalogueFile.model_validate_json(file.model_dump_json(by_alias=True)) == file


def test_a_file_with_wrong_hours_is_refused_by_the_place_in_it(tmp_path: Path) -> None:
    """The message names file, entry and field."""
    file = tmp_path / "calendars.yaml"
    file.write_text(
        'calendars:\n  - {id: "X@2017.1", country: VN, cutoff_at: "15:00", basis: x, hours: [{from: 2017-01-01, '
        'weekdays: [1], basis: x, sessions: [["13:30", "00:00"]]}]}\n'
    )
    with pytest.raises(CatalogueError, match=r"^calendars\.yaml: calendars\.0\.hours\.0\.sessions\.0: "):
        load_file(file)


def test_two_hours_in_force_at_once_hold_on_their_own_weekdays() -> None:
    """Four working hours from Friday 16:00: one until 17:00, three on Saturday from 07:30."""
    for hours in ((WEEK, SATURDAY), (SATURDAY, WEEK)):
        calendar = built(*hours)
        limit = Limit(amount=4, unit="working_hours")
        assert due(calendar, limit, local(7, 14, 16)) == local(7, 15, 10, 30)
        assert calendar.working_seconds(local(7, 10), local(7, 17)) == (5 * 8 + 4) * 3600
        assert due(calendar, Limit(amount=1, unit="working_days"), local(7, 14, 16)) == local(7, 15, 11, 30)


def test_a_make_up_day_is_worked_as_the_first_day_of_the_week() -> None:
    """A Saturday worked instead of a Monday is longer than other Saturdays, in whatever order the hours stand."""
    made_up = {"date": "2017-07-15", "day": "make-up"}
    for hours in ((WEEK, SATURDAY), (SATURDAY, WEEK)):
        calendar = built(*hours, overrides=[made_up])
        assert calendar.working_seconds(local(7, 15), local(7, 16)) == 8 * 3600
        assert calendar.working_seconds(local(7, 22), local(7, 23)) == 4 * 3600
        assert (
            calendar.working_seconds(local(1, 5, year=2019), local(1, 6, year=2019)) == 8 * 3600
        )  # by a national swap


def test_hours_that_follow_each_other_may_share_their_weekdays() -> None:
    """Winter hours on the day on which those of summer end."""
    summer = {**WEEK, "to": "2017-11-01"}
    winter = {**WEEK, "from": "2017-11-01", "sessions": [["08:00", "12:00"]]}
    for hours in ((summer, winter), (winter, summer)):
        calendar = built(*hours)
        assert calendar.working_seconds(local(10, 31), local(11, 1)) == 8 * 3600
        assert calendar.working_seconds(local(11, 1), local(11, 2)) == 4 * 3600


NIGHT = {**WEEK, "sessions": [["18:00", "24:00"]]}


def test_a_day_may_be_worked_until_its_end() -> None:
    """All six hours count. A promise in days falls due on its day, so that the day after is overdue by date."""
    calendar = built(NIGHT)
    assert calendar.working_seconds(local(7, 10), local(7, 11)) == 6 * 3600
    promised = due(calendar, Limit(amount=1, unit="working_days"), local(7, 10, 19))
    assert promised == local(7, 11, 23, 59, 59)
    assert by_date(second_of(local(7, 12, 0, 0, 0)), second_of(promised)) == "overdue"
    assert due(calendar, Limit(amount=7, unit="working_hours"), local(7, 10, 18)) == local(7, 11, 19)


def test_the_end_of_the_day_survives_publication_within_the_published_schema() -> None:
    """As a published rule it is 00:00:00, which no other end can be; the verifier reads it alike."""
    told = CalendarEntry.model_validate(entry(NIGHT, SATURDAY))
    terms = told.terms()
    assert terms.hours[0].sessions == (Opening(opens="18:00:00", closes="00:00:00"),)
    again = CalendarEntry.of_terms(terms, "x")
    assert again == told
    assert again.terms() == terms


def test_a_calendar_that_was_published_before_is_read_as_it_was_said() -> None:
    """A fact is not refused because such a calendar would be refused today: no service would start."""
    hours = (Era(since="1990-01-01", weekdays=(1,), sessions=(Opening(opens="13:30:00", closes="11:30:00"),)),)
    terms = CalendarTerms(id="X@2017.1", country="VN", cutoff_at="15:00:00", hours=hours)
    (read,) = file_of(CalendarPublished(calendar=terms, policy="pinned", basis="1/QD", impact=NONE)).calendars
    assert read.terms() == terms


@pytest.mark.parametrize("hours", [(WEEK, SATURDAY), (SATURDAY, WEEK), (NIGHT,)])
def test_the_verifier_works_the_same_seconds(hours: Any) -> None:
    """It shares no code with the calendar."""
    made_up = [{"date": "2017-07-16", "day": "make-up"}, {"date": "2017-07-22", "day": "make-up"}]
    read = CalendarEntry.model_validate(entry(*hours, overrides=made_up))
    calendar = read.build()
    document = rules_document(Rules(Catalogue({"x.yaml": CatalogueFile(calendars=(read,))})), 0)
    theirs = VerifiersCalendar(document["calendars"][read.id], document)
    monday = second_of(local(7, 10))
    for hour in range(21 * 24):
        at = monday + hour * 3600
        assert theirs.worked(monday, at) == calendar.worked(monday, at)
    for day in range(14):
        at = monday + day * 86_400 + 10 * 3600
        assert theirs.due(1, "working_days", at, "transfer")[0] == calendar.nth_closing(day_of(at), 1)
