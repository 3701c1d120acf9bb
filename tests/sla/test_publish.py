"""Publishing: given what was published, when versions are published, then facts or a refusal."""

from dataclasses import replace
from typing import Any

import pytest
from oracle.judging import SHIPPED
from oracle.swapped import NEWER, NONE, URBAN, services, swap_file, swapped

from deadlines.entries import CatalogueFile, Service
from events.commands.testing import Scenario
from events.contracts.terms import Limit
from events.errors import Refused
from sla.rule_changes.publication import ID, PublishedRules, PublishRules, checked, publisher


def the_rules() -> Scenario[PublishRules, PublishedRules]:
    return Scenario(publisher(SHIPPED), ID)


def order(file: CatalogueFile, policy: Any = "as-revised") -> PublishRules:
    return PublishRules(file=file, policy=policy, basis="1/QD", impact=NONE)


def of(*terms: Any) -> CatalogueFile:
    return CatalogueFile(services=tuple(Service.of_terms(one, "1/QD") for one in terms))


def test_a_calendar_is_published_once() -> None:
    """The same again says nothing."""
    the_rules().when(order(swap_file())).then(swapped())
    the_rules().given(swapped()).when(order(swap_file())).then_nothing()


def test_what_the_files_have_is_not_said() -> None:
    """Every service loads it already."""
    the_rules().when(order(CatalogueFile(calendars=tuple(SHIPPED.calendars.values())))).then_nothing()
    the_rules().when(order(of(URBAN))).then_nothing()


def test_a_new_version_and_the_end_of_the_old_one_are_one_fact() -> None:
    """So that no service ever knows half of it."""
    ended = replace(URBAN, until="2018-01-01")
    the_rules().when(order(of(ended, NEWER), "pinned")).then(services(ended, NEWER))
    the_rules().given(services(ended, NEWER)).when(order(of(ended, NEWER), "pinned")).then_nothing()


OTHER = replace(URBAN, limit=Limit(amount=9, unit="working_days"))


@pytest.mark.parametrize(
    ("file", "rule", "field"),
    [
        (of(NEWER), "overlapping-versions", "services.yaml: LV-RES-URBAN"),
        (of(OTHER), "two-contents", "given: services"),
        (of(replace(NEWER, id="NEW@2018-01-01", calendar="VN-PAC@2099.1")), "unknown-id",
         "services.yaml: NEW@2018-01-01: calendar"),
        (of(replace(NEWER, id="NEW@2018-01-02")), "broken-catalogue", "services.yaml: NEW@2018-01-02: from"),
        (swap_file("VN-PAC@2017.1"), "two-contents", "given: calendars"),
    ],
)  # fmt: skip
def test_a_contradiction_is_refused_naming_place_and_rule(file: CatalogueFile, rule: str, field: str) -> None:
    """Nothing is said, and the catalogue in force is untouched."""
    before = dict(SHIPPED.services), dict(SHIPPED.calendars)
    the_rules().when(order(file)).then_refused(rule)
    with pytest.raises(Refused) as no:
        checked(SHIPPED, file)
    assert (no.value.rule, no.value.field) == (rule, field)
    assert (SHIPPED.services, SHIPPED.calendars) == before


def test_another_content_is_refused_also_when_the_first_was_only_published() -> None:
    """VN-PAC@2017.2 is the swap day and nothing else."""
    terms = replace(swapped().calendar, cutoff_at="16:00:00")
    other = CatalogueFile(calendars=(type(swap_file().calendars[0]).of_terms(terms, "1/QD"),))
    the_rules().given(swapped()).when(order(other)).then_refused("two-contents")
