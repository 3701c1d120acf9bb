"""Every code that can be shown has a name in Vietnamese and in English."""

import ast
import re
from collections.abc import Iterator
from importlib.resources import files
from types import ModuleType
from typing import Any, get_args, get_type_hints

import pytest
from oracle.judging import RULES
from oracle.telling import local

from deadlines.entries import FieldOfWork
from deadlines.verdict import Class
from events.commands import amend
from events.commands.amend import IDENTITIES
from events.contracts import CATALOGUE, field, intake, routing
from events.contracts.terms import Channel, Fault
from sla.counting import annex, line
from sla.explain.putright import correction
from sla.i18n import labels
from sla.i18n.labels import value_of
from sla.i18n.texts import Text
from sla.judging import case, cycle, judge, ledger, rows
from sla.judging.rows import Amendment
from sla.reports import portal
from sla.reports.columns import COLUMN_NAMES, HEADINGS, figure_of
from sla.reports.difference import settled

SCALARS = (str, int, bool)
SPOKEN = {fact.cls for fact in CATALOGUE.values() if fact.cls.__module__ in (intake.__name__, routing.__name__,
                                                                              field.__name__)}  # fmt: skip


def literals(kind: Any) -> set[Any]:
    """The values of a literal, or of a union of them."""
    return {one for part in get_args(kind) for one in (literals(part) if get_args(part) else {part})}


def correctable() -> set[str]:
    """The fields that a correction can name: those that hold one value, and when it happened."""
    found = {"at"}
    for fact in SPOKEN:
        for name, hint in get_type_hints(fact).items():
            nested = [one for one in (hint, *get_args(hint)) if hasattr(one, "__dataclass_fields__")]
            if name not in IDENTITIES and not nested and not str(hint).startswith("tuple"):
                found.add(name)
    return found


def said_words() -> set[Any]:
    """The values of every field that holds one of a few words."""
    hints = (hint for fact in SPOKEN for hint in get_type_hints(fact).values())
    return {word for hint in hints for word in literals(hint) if isinstance(word, str)}


def _source(module: ModuleType) -> str:
    """As it is written, compiled or not."""
    package, _, name = module.__name__.rpartition(".")
    return (files(package) / f"{name}.py").read_text()


def findings() -> Iterator[str]:
    """What the judge finds, and why a correction did nothing, read from the code that says so."""
    for module in (case, cycle, judge):
        for call in ast.walk(ast.parse(_source(module))):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", getattr(call.func, "id", "")) in (
                "_found", "Finding"
            ):  # fmt: skip
                yield from (str(one.value) for one in ast.walk(call.args[1]) if isinstance(one, ast.Constant))
    yield from re.findall(r'"([a-z]+(?:-[a-z]+)+)"', _source(amend))


MATTERS = {one.matter for unit in RULES.catalogue.units() for one in unit.matters}
STEPS = {step for process in RULES.catalogue.processes.values() for step in process.steps}
SETTLED = settled({
    "annex": [{"released": "x", "case_id": "x", "cycle": 1, "cause": "staff", "unit": "x",
               "holders": [{"unit": "x", "seconds": 1}]}],
    "dwell": [{"unit": "x", "step": "x", "stays": 1, "p50": 1, "p90": 1, "longest": 1}],
})  # fmt: skip
MEASURED = {column for _, _, column in SETTLED}
SHOWN: dict[str, tuple[set[Any], Any]] = {
    "facts": (set(CATALOGUE), labels.FACTS),
    "fields of facts": (correctable(), labels.FIELDS),
    "words in facts": (said_words(), labels.VALUES),
    "channels": (literals(Channel), labels.WORDS),
    "whose fault": (literals(Fault), labels.VALUES),
    "fields of work": (literals(FieldOfWork), labels.WORDS),
    "findings": (set(findings()), labels.FINDINGS),
    "classes": (literals(Class), labels.CLASSES),
    "outcomes": (literals(rows.Outcome), labels.OUTCOMES),
    "acts": (literals(rows.Act), labels.ACTS),
    "clocks": (literals(ledger.LedgerClock), labels.CLOCKS),
    "kinds of time": (literals(ledger.LedgerKind), labels.TIMES),
    "causes": (literals(annex.Cause), labels.CAUSES),
    "kinds of line": (literals(line.Cut), labels.KINDS),
    "columns": (literals(line.Column), COLUMN_NAMES),
    "made of": (literals(line.Made), labels.MADE),
    "measures": ({"delay seconds", *line.Line("x", "counter").mv_sums, *MEASURED}, labels.MEASURES),
    "settled beside the lines": ({kind for kind, _, _ in SETTLED}, labels.SETTLED),
    "thresholds": ({one.why for one in RULES.catalogue.thresholds}, labels.WHYS),
    "steps": ({one.step for one in STEPS} | {one.work for one in STEPS if one.work} | {"reception"}, labels.STEPS),
    "what is waited for": (
        MATTERS | {one.waits_for for one in STEPS if one.waits_for} | portal.OBLIGATIONS | {"supplement"}, labels.WAITS
    ),
}  # fmt: skip
TABLES = [table for name, table in vars(labels).items() if name.isupper() and isinstance(table, dict)]


@pytest.mark.parametrize("what", SHOWN)
def test_every_code_has_a_name(what: str) -> None:
    """Whoever adds a code adds what it is called; the code itself is no name."""
    codes, table = SHOWN[what]
    assert codes
    assert codes - table.keys() == set()


def test_a_figure_of_a_restatement_is_told_by_name() -> None:
    """Its kind and its column; what another version may say stays as it is."""
    assert figure_of("counter", "on time").vi == "Trung tâm Hành chính công: Đúng hạn"
    assert figure_of("delay", "seconds").en == "Delay by unit: Working seconds"
    assert figure_of("new", "column") == Text("new: column", "new: column")


def test_a_name_is_in_two_languages() -> None:
    """Vietnamese that is not the code and not the English; Zalo is called Zalo by everybody."""
    texts = [(code, text) for table in (*TABLES, COLUMN_NAMES) for code, text in table.items()]
    assert len(texts) > 200
    for code, text in texts:
        assert text.vi, code
        assert text.en, code
        assert code == "zalo" or text.vi not in (code, text.en), code
    assert {column for heading in HEADINGS for column in heading.columns} <= COLUMN_NAMES.keys()


@pytest.mark.parametrize("name", sorted(correctable()))
def test_a_correction_is_told_without_codes(name: str) -> None:
    """Neither the fact nor the field stands there as it is called in the code."""
    one = Amendment(
        "case-1@2", "corrected", "case-1@1", "DossierForwarded", name, "DL-193", "", "entered-wrongly",
        "staff-22-01", local(7, 10, 9), local(7, 10, 8),
    )  # fmt: skip
    told = correction(one, RULES.catalogue)
    assert "DossierForwarded" not in told.vi + told.en
    assert "entered-wrongly" not in told.vi + told.en
    assert "_" not in told.vi + told.en
    assert f"Sửa {labels.FIELDS[name].vi} của “Giao hồ sơ”" in told.vi
    assert RULES.catalogue.unit("DL-193").name.vi in told.vi


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("agency", Text("cơ quan phối hợp", "agency")),
        ("road-trench", Text("giấy phép đào đường", "the permit to dig")),
        ("install", Text("Thi công lắp đặt", "Installation")),
        ("bad-weather", Text("Thời tiết xấu", "Bad weather")),
        ("5", Text("5", "5")),
    ],
)
def test_a_value_is_told_by_its_name(code: str, text: Text) -> None:
    """A word, a matter, a step, a reason; a number is itself."""
    assert value_of(RULES.catalogue, code) == text
