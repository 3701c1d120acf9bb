"""What a request names and the catalogue does not know is refused with the field and what could be named instead."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from deadlines import named
from deadlines.load import load
from events.errors import Refused

SHIPPED = load(Path(__file__).parents[2] / "deploy" / "catalogue")
JULY = date(2017, 7, 10)


def test_what_the_catalogue_knows_is_given_back() -> None:
    """A reason as its word, a counter as the beginning of its codes, a service as its version."""
    assert named.reason(SHIPPED, "obstacle", "trench-permit") == "trench-permit"
    assert named.counter(SHIPPED, "PAC-22", JULY) == "000.00.01.H49"
    assert named.service(SHIPPED, "LV-POLE@2017-07-01", JULY).code == "LV-POLE"


@pytest.mark.parametrize(
    ("ask", "rule", "field", "says", "way_out"),
    [
        (
            lambda: named.reason(SHIPPED, "extension", "existing-debt"),
            "unknown-reason", "reason", "'existing-debt' is no reason for this",
            "one of: " + ", ".join(sorted(w for w, one in SHIPPED.reasons.items() if "extension" in one.uses)),
        ),
        (
            lambda: named.counter(SHIPPED, "PAC-999", JULY),
            "unknown-counter", "counter", "units.yaml: code: there is no unit 'PAC-999'", None,
        ),
        (
            lambda: named.counter(SHIPPED, "PAC-204", date(2020, 1, 1)),
            "unknown-counter", "counter", "units.yaml: code: there is no unit 'PAC-204' on 2020-01-01", None,
        ),
        (
            lambda: named.counter(SHIPPED, "DL-193", JULY),
            "not-a-counter", "counter", "DL-193 takes no dossiers in", "as in PAC-193",
        ),
        (
            lambda: named.service(SHIPPED, "NO-SUCH@2017-07-01", JULY),
            "unknown-service", "service", "there is no service NO-SUCH@2017-07-01",
            "one of: " + ", ".join(sorted(id for id in SHIPPED.services if not id.endswith("2018-06-21"))),
        ),
        (
            lambda: named.service(SHIPPED, "METER-CHECK@2017-07-01", date(2018, 6, 21)),
            "service-not-in-force", "service", "METER-CHECK@2017-07-01 is not in force on 2018-06-21",
            "use METER-CHECK@2018-06-21",
        ),
    ],
)  # fmt: skip
def test_a_refusal_names_the_field_and_the_way_out(
    ask: Callable[[], object], rule: str, field: str, says: str, way_out: str | None
) -> None:
    """The whole answer: what is wrong, where, and what could be said instead."""
    with pytest.raises(Refused) as refused:
        ask()
    assert (refused.value.rule, refused.value.field, refused.value.way_out) == (rule, field, way_out)
    assert str(refused.value) == says
