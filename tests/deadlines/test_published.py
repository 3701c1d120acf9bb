"""Published versions join the files': what becomes known, what stands for what, and what is contradicted."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from oracle.swapped import NEWER, NONE, URBAN, services, swapped

from deadlines.catalogue import Catalogue
from deadlines.entries import CatalogueFile, Service
from deadlines.errors import CatalogueError, Overlapping, TwoContents, UnknownId
from deadlines.instants import day_on
from deadlines.load import load
from deadlines.published import as_revised, joined, newest, order, standing_for
from events.contracts import read, write
from events.contracts.rules import CalendarPublished
from events.contracts.terms import Limit, Promise

FOLDER = Path(__file__).parents[2] / "deploy" / "catalogue"
SHIPPED = load(FOLDER)


def test_a_published_calendar_is_one_more_version() -> None:
    """The older one and the loaded catalogue stay as they were."""
    known = joined(SHIPPED, [swapped()])
    thursday = day_on(date(2017, 7, 13))
    assert not known.calendar("VN-PAC@2017.2").counts(thursday)
    assert known.calendar("VN-PAC@2017.1").counts(thursday)
    assert "VN-PAC@2017.2" not in SHIPPED.calendars


def test_what_a_file_says_and_what_is_published_of_it_are_one_content() -> None:
    """Terms go over the wire and back; the texts of the file stay."""
    for entry in SHIPPED.calendars.values():
        fact = CalendarPublished(calendar=entry.terms(), policy="pinned", basis="1/QD", impact=NONE)
        again = read("CalendarPublished", 1, write(fact), trusted=True)
        assert joined(SHIPPED, [again]).calendars == SHIPPED.calendars
    told = services(*(service.terms() for service in SHIPPED.services.values()))
    assert joined(SHIPPED, [told]).services == SHIPPED.services
    for service in SHIPPED.services.values():
        assert Service.of_terms(service.terms(), "1/QD").terms() == service.terms()


def test_policy_says_which_older_versions_it_stands_for() -> None:
    """As-revised for every older one of its name; pinned for none."""
    assert joined(SHIPPED, [swapped(policy="pinned")]).revised == {}
    known = joined(SHIPPED, [swapped(), swapped("VN-PAC@2017.10")])
    assert known.revised == dict.fromkeys(("VN-PAC@2017.1", "VN-PAC@2017.2"), "VN-PAC@2017.10")
    assert known.in_force("VN-PAC@2017.1") == "VN-PAC@2017.10"
    assert known.in_force("OTHER@2017.1") == "OTHER@2017.1"


def test_a_calendar_that_a_counter_keeps_for_itself_stays_when_the_service_is_revised() -> None:
    """The service's own gives way to the newer service's; either is read in what revised it."""
    told = replace(services(replace(URBAN, until="2018-01-01"), NEWER), policy="as-revised")
    known = joined(SHIPPED, [told])
    pinned = Promise(calendar=URBAN.calendar, clock_policy="PAUSE", service=URBAN.id)
    assert as_revised(pinned, known, known.revised) == replace(
        pinned, calendar=NEWER.calendar, clock_policy=NEWER.clock_policy, service=NEWER.id
    )
    own = replace(pinned, calendar="VN-ISLE@2017.1")
    assert as_revised(own, known, known.revised).calendar == "VN-ISLE@2017.1"
    assert as_revised(own, known, {**known.revised, own.calendar: "VN-ISLE@2017.2"}).calendar == "VN-ISLE@2017.2"


ELSEWHERE = replace(NEWER, calendar="VN-NEW@2018.1", clock_policy="RESTART")


@pytest.mark.parametrize(
    ("service", "calendar", "stands"),
    [
        # By the days and the clock policy of the newer version, where the receipt named those of the older.
        (URBAN.id, URBAN.calendar, (ELSEWHERE.id, "VN-NEW@2018.1", "RESTART")),
        # A counter's own days stay.
        (URBAN.id, "VN-ISLE@2017.1", (ELSEWHERE.id, "VN-ISLE@2017.1", "RESTART")),
        # What the older version's days were, nobody can say: the newer one's count.
        ("GONE@2016-01-01", "VN-ISLE@2017.1", (ELSEWHERE.id, "VN-NEW@2018.1", "RESTART")),
        # Another service is not touched, nor a promise that names none.
        ("LV-RES-RURAL@2017-07-01", URBAN.calendar, ("LV-RES-RURAL@2017-07-01", URBAN.calendar, "PAUSE")),
        (None, URBAN.calendar, (None, URBAN.calendar, "PAUSE")),
    ],
)
def test_a_promise_of_a_revised_service_is_the_newer_ones(
    service: str | None, calendar: str, stands: tuple[str | None, str, str]
) -> None:
    """Calendar and clock policy follow the service that stands for the pinned one."""
    told = replace(services(replace(URBAN, until="2018-01-01"), ELSEWHERE), policy="as-revised")
    known = joined(SHIPPED, [swapped("VN-NEW@2018.1", policy="pinned"), told])
    revised = {**known.revised, "GONE@2016-01-01": ELSEWHERE.id}
    length = 3 if service is None else None
    pinned = Promise(calendar=calendar, clock_policy="PAUSE", service=service, working_days=length)
    found = as_revised(pinned, known, revised)
    assert (found.service, found.calendar, found.clock_policy) == stands
    assert found.working_days == length


def test_a_revised_service_stands_for_its_older_version() -> None:
    """As-revised services too; other facts publish nothing."""
    told = replace(services(replace(URBAN, until="2018-01-01"), NEWER), policy="as-revised")
    known = joined(SHIPPED, [object(), told])
    assert known.revised == {URBAN.id: NEWER.id}


def test_versions_go_by_number_and_by_day() -> None:
    """2017.10 comes after 2017.9."""
    assert standing_for(SHIPPED, ["VN-PAC@2017.10", "VN-PAC@2017.9"]) == {"VN-PAC@2017.1": "VN-PAC@2017.10"}
    assert order("VN-PAC@2017.9") < order("VN-PAC@2017.10") < order("VN-PAC@2018")
    assert order("LV-POLE@2017-07-01") < order("LV-POLE@2018-06-21")
    assert newest(SHIPPED)["METER-CHECK@2017-07-01"] == "METER-CHECK@2018-06-21"
    assert standing_for(SHIPPED, ["METER-CHECK@2017-07-01"]) == {}


def test_an_open_version_ends_where_the_next_begins() -> None:
    """Both are told in one publication; the day before still belongs to the old one."""
    known = joined(SHIPPED, [services(replace(URBAN, until="2018-01-01"), NEWER)])
    assert known.service_on("LV-RES-URBAN", date(2017, 12, 31)).id == URBAN.id
    assert known.service_on("LV-RES-URBAN", date(2018, 1, 1)).limit.amount == 2
    assert known.fingerprints()[URBAN.id] == SHIPPED.fingerprints()[URBAN.id]


@pytest.mark.parametrize(
    ("fact", "error", "sentence"),
    [
        (services(NEWER), Overlapping, "two versions are in force on 2018-01-01"),
        (
            services(replace(URBAN, limit=Limit(amount=9, unit="working_days"))),
            TwoContents,
            rf"^published on the basis of .+: services: {URBAN.id} is defined twice",
        ),
        (services(replace(NEWER, id="NEW@2018-01-01", calendar="VN-PAC@2099.1")), UnknownId, r"VN-PAC@2099\.1"),
        (services(replace(NEWER, id="NEW@2018-01-01", process="NO")), UnknownId, "process: 'NO'"),
        (services(replace(NEWER, id="NEW@2018-01-02")), CatalogueError, "the version in the id and the first day"),
        (
            swapped("VN-PAC@2017.1"),
            TwoContents,
            r"^published on the basis of .+: calendars: VN-PAC@2017\.1 is defined twice with different contents",
        ),
    ],
)
def test_a_contradiction_is_a_sentence(fact: Any, error: type[CatalogueError], sentence: str) -> None:
    """And the catalogue that was there is not touched."""
    before = dict(SHIPPED.services), dict(SHIPPED.calendars)
    with pytest.raises(error, match=sentence):
        joined(SHIPPED, [fact])
    assert (SHIPPED.services, SHIPPED.calendars) == before


def test_an_end_that_was_told_is_not_moved() -> None:
    """A version ends once."""
    ended = joined(SHIPPED, [services(replace(URBAN, until="2018-01-01"))])
    with pytest.raises(TwoContents, match=URBAN.id):
        joined(ended, [services(replace(URBAN, until="2019-01-01"))])


def test_who_holds_a_catalogue_sees_what_it_becomes() -> None:
    """One object for as long as a service runs."""
    held = load(FOLDER)
    held.become(joined(held, [swapped()]))
    assert held.in_force("VN-PAC@2017.1") == "VN-PAC@2017.2"
    assert Catalogue({"x.yaml": CatalogueFile()}).plus("y", CatalogueFile()).services == {}
