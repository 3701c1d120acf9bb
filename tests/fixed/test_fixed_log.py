"""Every case of the fixed log has the rows that were taken; `python tests/fixed` shows how others differ."""

from pathlib import Path

import pytest

import sla
from events.store import database as postgres_of
from fixed import taken
from fixed.fingerprint import Row
from fixed.log import PARTS, Case, judged, judgements, lines, read
from fixed.taken import Change
from sla.live import row_store
from sla.rebuild.comparison import fingerprint

EVERY = "select case_id, hash from case_hashes(1)"


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return list(judged())


def test_every_case_has_the_hash_that_was_taken(cases: list[Case]) -> None:
    known, now = (text.splitlines() for text in (taken.known_hashes(), taken.hashes(cases)))
    moved = sorted({line.split("\t")[0] for line in {*known} ^ {*now}})
    assert moved == [], "`python tests/fixed` shows what differs; with --write it takes the rows anew"
    assert known == now
    assert taken.sums(cases) == taken.FOLDED.read_text()


def test_the_rows_that_were_taken_are_those_of_the_hashes(cases: list[Case]) -> None:
    assert list(taken.differing(cases)) == []


def test_a_difference_names_the_column_before_and_after() -> None:
    """And a row that only one side has."""
    before = [Row("cycles", '{"cycle": 1, "class_c": "on-time", "stars": 3}')]
    after = [
        Row("cycles", '{"cycle": 1, "class_c": "overdue", "stars": 3}'),
        Row("charges", '{"cycle": 1, "unit": "TC-193", "seconds": 60}'),
    ]
    assert list(taken.changes(before, after)) == [
        Change("cycles", "1", "class_c", '"on-time"', '"overdue"'),
        Change("charges", "1 TC-193", "", "no row", '{"cycle": 1, "unit": "TC-193", "seconds": 60}'),
    ]


async def test_the_hashes_are_those_of_a_certificate(cases: list[Case], database: dict[str, str]) -> None:
    """Case by case and over all of them, as Postgres computes them of the same rows."""
    pool = await postgres_of.connect(database["sla"])
    try:
        await postgres_of.migrate(pool, postgres_of.LOG, Path(sla.__file__).parent / "migrations")
        async with pool.acquire() as connection:
            for name in PARTS:
                await row_store.fill(connection, 1, judgements(read(lines(name))))
            found = {row["case_id"]: row["hash"] for row in await connection.fetch(EVERY)}
        assert found == {one.case_id: one.hash for one in cases if one.rows}
        whole = await fingerprint(pool, 1)
        assert taken.sums(cases).splitlines()[-1].endswith(f"\t{whole.rows}\t{whole.hash}")
    finally:
        await pool.close()
