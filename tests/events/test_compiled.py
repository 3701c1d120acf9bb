"""Compiled modules stand for the sources that they were made of, and for no others."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import compiled


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A folder of compiled modules that nobody else has, for a process that may use them."""
    monkeypatch.setattr(compiled, "KEPT", tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delenv("ONEDOOR_PLAIN", raising=False)
    compiled.place.cache_clear()
    yield tmp_path
    compiled.place.cache_clear()


def test_what_was_compiled_of_these_sources_comes_first(kept: Path) -> None:
    """Python looks into the folders of a package in order."""
    folder = compiled.place()
    assert folder is not None
    folder.mkdir()
    path = ["as written"]
    compiled.use("sla", path)
    assert path == [str(folder / "sla"), "as written"]
    assert str(folder) in sys.path


def test_where_nothing_was_compiled_everything_runs_as_it_is_written(kept: Path) -> None:
    """Also after an edit: what was compiled before it has another name."""
    (kept / "of-other-sources").mkdir()
    path = ["as written"]
    compiled.use("sla", path)
    assert path == ["as written"]


def test_plain_python_can_be_asked_for(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To compare the two, and to look for a fault."""
    folder = compiled.place()
    assert folder is not None
    folder.mkdir()
    monkeypatch.setenv("ONEDOOR_PLAIN", "1")
    path = ["as written"]
    compiled.use("sla", path)
    assert path == ["as written"]


def test_one_changed_letter_is_another_digest(tmp_path: Path) -> None:
    """An edited file counts at once."""
    files = [tmp_path / "a.py", tmp_path / "b.py"]
    for file in files:
        file.write_text("x = 1\n")
    before = compiled.digest(files)
    assert compiled.digest(files) == before
    files[1].write_text("x = 2\n")
    assert compiled.digest(files) != before


def test_every_module_is_there() -> None:
    """A name that no file has would leave everything uncompiled, in silence."""
    files = compiled.sources()
    assert files is not None
    assert len(files) == len(compiled.MODULES)


def test_where_a_service_is_left_out_everything_runs_as_it_is_written(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its code need not be on every machine."""
    monkeypatch.setattr(compiled, "MODULES", (*compiled.MODULES, "sla.no_such_module"))
    path = ["as written"]
    compiled.use("deadlines", path)
    assert (compiled.place(), path) == (None, ["as written"])
