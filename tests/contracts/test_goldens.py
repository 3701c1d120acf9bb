"""One golden per fact and schema ever released, never edited: what was written once still reads."""

import json
from pathlib import Path
from typing import Any

import pytest

from events.contracts import CATALOGUE, read, write

GOLDENS = {tuple(path.stem.rsplit(".v", 1)): path for path in Path(__file__).parent.glob("goldens/*.json")}


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_fact_has_a_golden_of_every_schema(name: str) -> None:
    """A new fact, or a new schema of an old one, brings its golden along."""
    wanted = {(name, str(schema)) for schema in range(1, CATALOGUE[name].schema + 1)}
    assert wanted == {golden for golden in GOLDENS if golden[0] == name}


@pytest.mark.parametrize(("name", "schema"), GOLDENS)
def test_a_golden_reads_alike_by_both_readers(name: str, schema: str) -> None:
    """The reader of our own log and the one for what others send make the same fact."""
    data = GOLDENS[name, schema].read_bytes()
    trusted, strict = (read(name, int(schema), data, trusted=trusted) for trusted in (True, False))
    assert trusted == strict
    assert type(trusted) is CATALOGUE[name].cls


@pytest.mark.parametrize(("name", "schema"), GOLDENS)
def test_nothing_of_a_golden_is_lost_when_it_is_written_again(name: str, schema: str) -> None:
    """The golden of today's schema fills every field, and each comes back as it was."""
    golden = json.loads(GOLDENS[name, schema].read_text())
    if int(schema) == CATALOGUE[name].schema:
        fact = read(name, int(schema), json.dumps(golden).encode(), trusted=True)
        assert _without_nulls(json.loads(write(fact))) == golden
        assert set(golden) == set(json.loads(write(fact)))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value
