"""The bodies of commands are read as strictly as events are: they share the types."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from events.operations.api import Since
from field.api import Completion, Visit
from intake.api import Extension, Rating, Supplement
from routing.api import Forwarding
from sla.api import Clock
from sla.evidence.api import Cases
from sla.rebuild.api import Rebuild
from sla.rule_changes.api import Calendars, Services
from sla.seals.api import Sealing

VISIT = {"starts": "2017-07-11T02:00:00Z", "ends": "2017-07-11T03:00:00Z"}
LIMIT = {"amount": 2, "unit": "working_days"}
WRONG: list[tuple[type[BaseModel], dict[str, Any], str]] = [
    (Rating, {"stars": True}, "stars"),
    (Rating, {"stars": "3"}, "stars"),
    (Rating, {"stars": 3.5}, "stars"),
    (Rating, {"stars": 3, "at": 1499652000}, "at"),
    (Rating, {"stars": 3, "at": "1499652000"}, "at"),
    (Rating, {"stars": 3, "at": "2017-07-10 09:00:00Z"}, "at"),
    (Rating, {"stars": 3, "at": "2017-07-10T09:00:60Z"}, "at"),
    (Completion, {"evidence": [], "handed_over": "yes"}, "handed_over"),
    (Completion, {"evidence": [], "handed_over": 1}, "handed_over"),
    (Visit, VISIT | {"ends": 2017071317}, "ends"),
    (Extension, {"reason": "storm", "appointment": "2017-07-10"}, "appointment"),
    (Forwarding, {"to_unit": "DL-193", "limit": LIMIT | {"amount": "2"}}, "amount"),
    (Clock, {"now": 0}, "now"),
    (Since, {"why": "test-record", "to": 0}, "to"),
    (Rebuild, {"dry_run": "yes"}, "dry_run"),
    (Rebuild, {"throttle": True}, "throttle"),
    (Rebuild, {"until": "20170710T000000Z"}, "until"),
    (Sealing, {"from": 1499644800, "to": "2017-08-01"}, "from"),
    (Sealing, {"from": "2017-07-01", "to": "1501545600"}, "to"),
]


@pytest.mark.parametrize(("body", "value", "field"), WRONG)
def test_what_a_lax_reader_would_take_is_refused_at_its_field(
    body: type[BaseModel], value: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        body.model_validate(value)
    assert {error["loc"][-1] for error in refused.value.errors()} == {field}


REASONED = {"basis": "1/QD", "policy": "pinned"}
ONE_WRONG: list[tuple[Any, Any, str]] = [
    (Calendars, REASONED | {"calendars": [7]}, "calendars.0"),
    (Services, REASONED | {"services": [7]}, "services.0"),
    (Supplement, {"gaps": [7]}, "gaps.0"),
    (Rebuild, {"cases": ["no case"]}, "cases.0"),
    (Cases, ["no case"], "0"),
]


@pytest.mark.parametrize(("body", "value", "field"), ONE_WRONG)
def test_what_is_wrong_inside_a_list_does_not_make_the_list_too_short(body: Any, value: Any, field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(body).validate_python(value)
    assert [".".join(map(str, error["loc"])) for error in refused.value.errors()] == [field]


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (Calendars, REASONED | {"calendars": []}),
        (Services, REASONED | {"services": []}),
        (Supplement, {"gaps": []}),
        (Rebuild, {"cases": []}),
        (Cases, []),
    ],
)
def test_an_empty_list_is_too_short(body: Any, value: Any) -> None:
    with pytest.raises(ValidationError, match="at least 1"):
        TypeAdapter(body).validate_python(value)


def test_a_whole_number_may_be_written_with_a_point_and_an_instant_at_any_offset() -> None:
    rating = Rating.model_validate({"stars": 3.0, "at": "2017-07-10t09:00:00.1234567+07:00"})
    assert (rating.stars, rating.at) == (3, datetime(2017, 7, 10, 2, 0, 0, 123456, tzinfo=UTC))
