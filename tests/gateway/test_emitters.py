"""The file of emitters: who may say what, and what is wrong with an entry, in a sentence."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deadlines.load import load as catalogue_of
from events.errors import Forbidden, OnedoorError
from events.gateway import emitters

DEPLOY = Path(__file__).parents[2] / "deploy"
FILE = DEPLOY / "emitters.yaml"
OURS = {"000.00.02.H49"}


def entry(**changed: Any) -> dict[str, Any]:
    entry = {
        "code": "SXD", "source": "urn:test:sxd", "name": "test", "facts": ["CaseClosed"], "units": ["SXD", "KD-*"],
        "dossiers": ["000.00.30.H49"],
    }  # fmt: skip
    return {name: value for name, value in (entry | changed).items() if value is not None}


def test_the_file_of_the_deployment_goes_with_its_catalogue() -> None:
    catalogue = catalogue_of(DEPLOY / "catalogue").build()
    ours = {unit.prefix for unit in catalogue.units("counter") if unit.prefix}
    assert len(ours) == 15
    found = emitters.load(FILE, ours)
    assert set(found.by_code) == {"SXD", "UBND-193"}
    assert found.ours == ours


def test_an_emitter_is_found_by_its_code() -> None:
    found = emitters.of("x", {"emitters": [entry()]}, OURS)
    assert found.of("SXD").source == "urn:test:sxd"
    for code in ("PC-QN", "", None):
        with pytest.raises(Forbidden, match="no emitter"):
            found.of(code)


def test_a_star_means_all_that_begin_so() -> None:
    it = emitters.Emitter(**entry())
    names = ["SXD", "KD-1", "KD-1-2", "KD", "SXD-1", "KDX-1"]
    assert [it.names(unit) for unit in names] == [True, True, True, False, False, False]


def test_an_origin_is_allowed_where_somebody_is_entered_with_it() -> None:
    """A hosted sender may deliver for two: it keeps to the lower rate. No case and no other name matters."""
    other = entry(code="B", source="urn:b", dossiers=["000.00.31.H49"], origins=["events.example"], per_minute=60)
    found = emitters.of("x", {"emitters": [entry(origins=["events.example", "b.example"]), other]}, OURS)
    assert found.rate_of("Events.EXAMPLE") == 60
    assert found.rate_of("b.example") == 6000
    assert [found.rate_of(name) for name in ("example", "c.events.example", "*", "")] == [None] * 4


WRONG: list[tuple[Any, str]] = [
    ([entry(), entry(source="urn:b", dossiers=["000.00.31.H49"])], "x: SXD: code: SXD belongs to SXD"),
    ([entry(), entry(code="B", dossiers=["000.00.31.H49"])], "x: B: source: urn:test:sxd belongs to SXD"),
    ([entry(), entry(code="B", source="urn:b")], "x: B: dossiers: 000.00.30.H49 belongs to SXD"),
    ([entry(dossiers=["000.00.02.H49"])], "x: SXD: dossiers: 000.00.02.H49 belongs to onedoor"),
    ([entry(facts=["VerdictReached"])], "x: emitters.0.facts: .*VerdictReached: no fact that another system may say"),
    ([entry(facts=["CaseClose"])], "x: emitters.0.facts: "),
    ([entry(facts=[])], "x: emitters.0.facts: "),
    ([entry(source="/onedoor/intake")], "x: emitters.0.source: "),
    ([entry(source="with spaces")], "x: emitters.0.source: "),
    ([entry(dossiers=["H49-17"])], "x: emitters.0.dossiers.0: "),
    ([entry(dossiers=None)], "x: emitters.0: .*it has none that it could speak of"),
    ([entry(replies=True)], "x: emitters.0: .*without AgencyReplied"),
    ([entry(units=["*"])], "x: emitters.0.units.0: "),
    ([entry(colour="red")], "x: emitters.0.colour: "),
    ([entry(origins=["https://a.example"])], "x: emitters.0.origins.0: "),
    ([entry(origins=["Events.Example"])], "x: emitters.0.origins.0: "),
    ([entry(late_days=0)], "x: emitters.0.late_days: "),
    ("nobody", "x: emitters: "),
]  # fmt: skip


@pytest.mark.parametrize(("content", "sentence"), WRONG)
def test_a_wrong_entry_is_named(content: Any, sentence: str) -> None:
    with pytest.raises(OnedoorError, match=f"^{sentence}"):
        emitters.of("x", {"emitters": content}, OURS)


def test_a_key_that_is_written_twice_is_refused(tmp_path: Path) -> None:
    """YAML would let the second one win."""
    path = tmp_path / "emitters.yaml"
    path.write_text(yaml.dump({"emitters": [entry()]}) + "emitters: []\n")
    with pytest.raises(OnedoorError, match=r"emitters\.yaml: line \d+: 'emitters' is defined twice"):
        emitters.load(path, OURS)


def test_every_rule_is_told_to_emitters_with_what_it_says() -> None:
    """A refusal's name leads somewhere, and the document names no rule that is none."""
    root = Path(__file__).parents[2]
    code = [*(root / "libs/events/gateway").glob("*.py"), root / "services/intake/gateway/keeping.py"]
    code += [root / "services/intake/gateway/api.py"]
    making = re.compile(r'(?:raise (?:Refused|Forbidden|Conflict|NotUnderstood)|TooMuch)\(\s*"([a-z0-9-]+)"')
    raised = {rule for path in code for rule in making.findall(path.read_text())}
    of_bodies = re.compile(r'problem\(\d+, "((?:body|broken-encoding|unknown-encoding)[a-z-]*)"')
    raised |= set(of_bodies.findall((root / "libs/events/http/problems.py").read_text()))
    table = (root / "docs" / "emitters.md").read_text().rpartition("## The rules")[2]
    told = {rule for line in re.findall(r"^\| ([a-z0-9, -]+) \|", table, re.M) for rule in line.split(", ")} - {"rule"}
    assert raised == told
