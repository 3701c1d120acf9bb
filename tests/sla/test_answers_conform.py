"""What sla tells of a judged year is what docs/openapi says of it: nothing less, nothing more, nothing else."""

from functools import cache
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from contracts.documents import DOCUMENTS, closed
from jsonschema_rs import Draft202012Validator
from judged_year import PERIOD, World
from oracle.judging import RULES
from sla_at_work import KINDS

from sla.answers import cases, rebuilds, rules, seals
from sla.api import _named
from sla.counting.practice import practice
from sla.explain.explain import explain
from sla.i18n.labels import ACTS
from sla.judging.rows import CLASSES, ChargeRow, CycleRow, ReferralRow, StayRow
from sla.live import queries
from sla.rebuild import certificate
from sla.reports import difference, portal
from sla.reports.api import _practice
from sla.reports.document import namer
from sla.rule_changes import impact
from sla.seals import remedial_store

DOCUMENT = closed(DOCUMENTS["sla"])


@cache
def validator(name: str) -> Draft202012Validator:
    """Of an answer's type by its name in the document."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return Draft202012Validator(schema, validate_formats=True)


def wrong(name: str, told: Any) -> list[str]:
    """Where it is not what the document says of it."""
    found = validator(name).iter_errors(msgspec.json.decode(msgspec.json.encode(told)))
    return [f"{error.instance_path}: {error.message[:200]}" for error, _ in zip(found, range(5), strict=False)]


def test_a_record_is_as_documented(world: World) -> None:
    assert wrong("RecordDocument", world.told) == []
    assert any(line["mv"] for line in world.told["lines"])
    assert any(line["ratings"] for line in world.told["lines"])
    assert world.told["annex"]


def test_a_dossier_is_as_documented(world: World) -> None:
    """Shown, explained and for the portal."""
    for one in world.judgements:
        assert wrong("Case", queries.shown_case(one)) == []
        if one.cycles:
            assert wrong("Portal", portal.case(one.cycles, "Cấp điện")) == []
    assert any(one.charges for one in world.judgements)


def test_an_explanation_is_as_documented(world: World) -> None:
    for one in world.judgements[:120]:
        assert wrong("Explained", _named(explain(one, RULES))) == []


def test_practice_is_as_documented(world: World) -> None:
    name = namer(RULES.catalogue)
    stays = [row for one in world.judgements for row in one.stays]
    lines = [_practice(one, name(one.kind, one.unit)) for one in practice(PERIOD, KINDS, world.rows.values(), stays)]
    acts = {act: text._asdict() for act, text in ACTS.items()}
    told = {"from": PERIOD.since, "to": PERIOD.until, "acts": acts, "lines": lines}
    assert wrong("PracticeDocument", told) == []


def test_what_is_not_as_documented_is_noticed(world: World) -> None:
    """A member more, one less, and another kind of value."""
    told = dict(world.told)
    del told["cuts"]
    assert len(wrong("RecordDocument", {**told, "extra": 1, "template": 7})) == 3


# -- what a year does not show ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "shown"), [(CycleRow, cases.Cycle), (StayRow, cases.Stay), (ReferralRow, cases.Referral)]
)  # fmt: skip
def test_a_row_is_shown_as_its_type_says(row: Any, shown: Any) -> None:
    """Every column but the dossier's code, which stands once beside the rows."""
    columns = {CLASSES.get(name, name): kind for name, kind in get_type_hints(row).items() if name != "case_id"}
    assert {name: as_list(kind) for name, kind in columns.items()} == get_type_hints(shown)


def as_list(kind: Any) -> Any:
    """What stands in a column as JSON has it."""
    return list[get_args(kind)[0]] if getattr(kind, "__origin__", None) is tuple else kind  # type: ignore[misc]


def fields(of: Any) -> set[str]:
    return {one.name for one in msgspec.structs.fields(of)}


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (set(CycleRow._fields), cases.JudgedCycle),
        (set(ChargeRow._fields), cases.Charge),
        (fields(certificate.Certificate), rebuilds.CertificateDocument),
        (fields(certificate.Difference), rebuilds.CaseDifference),
        (fields(certificate.Partition), rebuilds.FoldedPartition),
        (fields(impact.Change), rules.ChangedCycle),
        ({*impact.KINDS, "unit", "kind"}, rules.UnitImpact),
        ({*fields(difference.Change), "name"}, seals.Restated),
    ],
)  # fmt: skip
def test_a_type_names_every_member(names: set[str], shown: Any) -> None:
    assert set(get_type_hints(shown)) == names


def test_a_remedy_is_shown_column_by_column() -> None:
    columns = remedial_store.ALL.partition("select")[2].partition("\nfrom remedies")[0].split(",")
    names = {column.rpartition(" as ")[2].strip() for column in columns}
    assert set(get_type_hints(seals.Remedy)) == {*names, "why_name", "outcome_name"}
