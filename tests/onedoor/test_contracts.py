"""`onedoor contracts`: what it refuses, how it explains it, and that what is released only grows."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from events.contracts.upcasts import UPCASTS
from onedoor.verbs.contracts import CHECKOUT, DOCS, GOLDENS, contracts

Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """The schemas as they were once released: a copy that a test makes other than the code."""
    return Path(shutil.copytree(DOCS / "schemas", tmp_path / "docs" / "schemas"))


def edited(folder: Path, name: str, edit: Edit) -> None:
    path = folder / f"{name}.json"
    schema = json.loads(path.read_text())
    edit(schema)
    path.write_text(json.dumps(schema))


def run(*words: str) -> Result:
    return CliRunner().invoke(contracts, [*words])


def check(folder: Path, *words: str) -> Result:
    return run("check", "--against", str(folder), *words)


def test_the_code_goes_together_with_what_is_committed() -> None:
    told = run("check")
    assert (told.exit_code, told.output.count("\n")) == (0, 1)


# What was released then, and what the code says now.
REFUSED: dict[str, tuple[str, Edit, str]] = {
    "a removed field": (
        "CustomerRated.v1",
        lambda was: was["properties"].update(remark={"type": "string"}),
        "CustomerRated.v1 remark: field removed, was string, is nothing; breaks readers and emitters",
    ),
    "a narrowed enum": (
        "StaffReplied.v1",
        lambda was: was["properties"]["word"]["enum"].append("CHUA"),
        "StaffReplied.v1 word: enum narrowed, was NHAN, XONG, CHUA, is NHAN, XONG; breaks emitters",
    ),
    "a new required field": (
        "CustomerRated.v1",
        lambda was: (was["properties"].pop("stars"), was["required"].remove("stars")),
        "CustomerRated.v1 stars: required field added, was nothing, is integer; breaks emitters",
    ),
    "a changed meaning of a name": (
        "CustomerRated.v1",
        lambda was: was["properties"].update(stars={"type": "string"}),
        "CustomerRated.v1 stars: type changed, was string, is integer; breaks readers and emitters",
    ),
    "an attribute of the envelope that is gone": (
        "CloudEvent",
        lambda was: was["properties"].update(dataschema={"type": "string"}),
        "CloudEvent dataschema: field removed, was string, is nothing; breaks readers and emitters",
    ),
    "a field inside a field": (
        "SupplementRequested.v1",
        lambda was: was["$defs"]["Gap"]["properties"]["wrong"]["enum"].append("torn"),
        "SupplementRequested.v1 gaps[].wrong: enum narrowed",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_an_incompatible_change_is_refused_and_explained(what: str, released: Path) -> None:
    name, edit, line = REFUSED[what]
    edited(released, name, edit)
    told = check(released)
    assert told.exit_code == 1
    assert told.output.startswith(line)
    assert told.output.count("\n") == 1
    assert "Way out: " in told.output


def test_the_way_out_is_a_new_number(released: Path) -> None:
    edited(released, "CustomerRated.v1", lambda was: was["properties"].update(remark={"type": "string"}))
    assert "schema=2" in check(released).output
    assert "CustomerRated.v2.json" in check(released).output
    (row,) = json.loads(check(released, "--json").output)
    assert (row["fact"], row["path"], row["change"]) == ("CustomerRated.v1", "remark", "field removed")


def test_an_optional_addition_is_let_through(released: Path) -> None:
    edited(released, "ApplicationReceived.v1", lambda was: was["properties"].pop("previous_case"))
    assert check(released).exit_code == 0


@pytest.mark.parametrize(("name", "why"), [("NeverHeardOf.v1", "not in the catalogue"), ("CaseClosed.v2", "schema=1")])
def test_a_fact_or_a_number_that_is_gone_is_refused(name: str, why: str, released: Path) -> None:
    (released / f"{name}.json").write_text((released / "CaseClosed.v1.json").read_text())
    told = check(released)
    assert told.exit_code == 1
    assert f"{name} the whole: fact removed" in told.output
    assert why in told.output


@pytest.mark.parametrize(("edit", "change"), [("unreadable", "not readable"), ("missing", "golden missing")])
def test_a_golden_that_is_not_read_any_more_is_refused(edit: str, change: str, tmp_path: Path) -> None:
    goldens = Path(shutil.copytree(GOLDENS, tmp_path / "goldens"))
    golden = goldens / "CustomerRated.v1.json"
    golden.write_text(
        golden.read_text().replace('"stars": ', '"stars": 1')
    ) if edit == "unreadable" else golden.unlink()
    told = run("check", "--goldens", str(goldens))
    assert told.exit_code == 1
    assert told.output.startswith(f"CustomerRated.v1 the whole: {change}")


def test_nothing_is_written_over_what_the_code_breaks(released: Path) -> None:
    edited(released, "CustomerRated.v1", lambda was: was["properties"].update(remark={"type": "string"}))
    kept = (released / "CustomerRated.v1.json").read_text()
    told = run("write", "--into", str(released.parent))
    assert told.exit_code == 1
    assert "field removed" in told.output
    assert (released / "CustomerRated.v1.json").read_text() == kept


def test_what_is_written_is_what_is_committed(tmp_path: Path) -> None:
    """A retired schema has no code any more: it stays as it was released, and the document goes on to name it.

    The OpenAPI documents are what the services' own programs say: each is run."""
    (tmp_path / "docs" / "schemas").mkdir(parents=True)
    for name, schema in UPCASTS:
        shutil.copy(DOCS / "schemas" / f"{name}.v{schema}.json", tmp_path / "docs" / "schemas")
    assert run("write", "--into", str(tmp_path / "docs")).exit_code == 0
    folders = (DOCS / "schemas", DOCS / "openapi", CHECKOUT / "deploy" / "kafka")
    for path in (DOCS / "asyncapi.yaml", *(path for folder in folders for path in folder.iterdir())):
        made = (tmp_path / path.relative_to(CHECKOUT)).read_text()
        assert made == path.read_text(), f"{path} is not current: run `onedoor contracts write`"


def test_an_empty_folder_vouches_for_nothing(tmp_path: Path) -> None:
    assert "no released schema" in str(check(tmp_path).exception)
