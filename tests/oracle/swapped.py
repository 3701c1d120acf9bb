"""A swap day told twice, sharing no code: as rules for the judge, and as a second oracle whose year has it.

Thursday 13 July 2017 is off, Saturday 22 July is worked instead.
"""

import importlib.util
import sys
from dataclasses import replace
from datetime import date
from types import ModuleType
from typing import Any

from oracle import naive
from oracle.judging import SHIPPED

from deadlines.entries import CalendarEntry, CatalogueFile
from events.contracts.rules import CalendarPublished, CataloguePublished, Impact, OneDay, Policy
from events.contracts.terms import Limit

NONE = Impact(cases=0, due_moved=0, verdicts_changed=0, newly_overdue=0, no_longer_overdue=0)
URBAN = SHIPPED.service("LV-RES-URBAN@2017-07-01").terms()
NEWER = replace(URBAN, id="LV-RES-URBAN@2018-01-01", since="2018-01-01", limit=Limit(amount=2, unit="working_days"))
OFF, WORKED = date(2017, 7, 13), date(2017, 7, 22)


def swapped(id: str = "VN-PAC@2017.2", policy: Policy = "as-revised") -> CalendarPublished:
    """The shipped calendar with the swap, as it is published."""
    terms = SHIPPED.calendars["VN-PAC@2017.1"].terms()
    days = (OneDay(on=OFF.isoformat(), day="off"), OneDay(on=WORKED.isoformat(), day="make-up"))
    calendar = replace(terms, id=id, overrides=(*terms.overrides, *days))
    return CalendarPublished(calendar=calendar, policy=policy, basis="1/QD", impact=NONE)


def services(*terms: Any, policy: Policy = "pinned") -> CataloguePublished:
    """Service versions as they are published."""
    return CataloguePublished(services=terms, policy=policy, basis="1/QD", impact=NONE)


def swap_file(id: str = "VN-PAC@2017.2") -> CatalogueFile:
    """The swap as a file says it."""
    return CatalogueFile(calendars=(CalendarEntry.of_terms(swapped(id).calendar, "1/QD"),))


def second_oracle() -> ModuleType:
    """The naive oracle, loaded a second time, with the swap in its lists of days and minutes."""
    spec = importlib.util.spec_from_file_location("oracle.naive_swapped", naive.__file__)
    assert spec is not None
    assert spec.loader is not None
    other = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = other  # dataclasses look their module up
    spec.loader.exec_module(other)
    off, worked = ((day - date(2017, 7, 1)).days for day in (OFF, WORKED))
    other.WORKING_DAYS[:] = sorted({*other.WORKING_DAYS, worked} - {off})
    like = next(day for day in other.WORKING_DAYS if day != worked)
    minutes = [minute - like * 1440 + worked * 1440 for minute in other.WORKED if minute // 1440 == like]
    other.WORKED[:] = sorted([minute for minute in other.WORKED if minute // 1440 != off] + minutes)
    places = {minute: number for number, minute in enumerate(other.WORKED)}
    other.__dict__.update(IS_WORKED=set(places), PLACE=places)
    return other
