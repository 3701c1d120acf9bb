"""What a table says, compared with what was sent and sent once, over a gateway that may fail at any request."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

import pytest
from exported import RECEIVED, whole
from rich.console import Console
from stub_gateway import TAKEN, Gateway, door

from deadlines.load import load
from events.errors import OnedoorError
from local.places import CHECKOUT
from onedoor.client import Said
from onedoor.importing import mapping
from onedoor.importing.comparison import Correction
from onedoor.importing.import_ import read_table
from onedoor.importing.progress import opened, transaction
from onedoor.importing.report import report, show
from onedoor.importing.rows import Rows, event_id
from onedoor.importing.sending import Sending

CORRECT = Correction("leader-01", "wrong-time", datetime(2017, 8, 1, tzinfo=UTC))
NOON, LATE = "2017-07-10 12:00", "2017-07-10 16:00"
MAPPING = whole(
    facts=[
        RECEIVED,
        {"activity": "Chuyển", "fact": "DossierForwarded", "data": {"from_unit": "A", "to_unit": "B", "step": "x"}},
        {"activity": "Trả", "fact": "CaseClosed"},
    ]
)
BY_UNIT = whole(
    activity=None,
    facts=[
        {
            "fact": "DossierForwarded",
            "time": {"column": "Lúc"},
            "data": {"from_unit": "A", "to_unit": {"column": "Việc"}, "step": "x"},
        }
    ],
)
BY_DAY = whole(
    calendar="VN-PAC@2017.1",
    facts=[
        MAPPING["facts"][1],
        {"activity": "Trả", "fact": "CaseClosed", "time": {"column": "Lúc", "day": True}},
    ],
)
PAC = load(CHECKOUT / "deploy" / "catalogue").calendar("VN-PAC@2017.1")


def line(number: int, at: str = "2017-07-10 09:00", activity: str = "Tiếp nhận") -> str:
    return f"000.00.30.H49-170710-{number:04},{activity},{at}"


async def imported(
    gateway: Gateway,
    folder: Path,
    lines: Sequence[str],
    correction: Correction | None = None,
    *,
    of: str = "",
    source: str = "urn:test",
    by: Any = MAPPING,
) -> Any:
    """The report. `of` says that an interrupted import of the same goes on."""
    path = folder / "table.csv"
    path.write_text("\n".join(["Số,Việc,Lúc", *lines, ""]))
    rows = Rows(path, mapping.of("m.yaml", {**by, "source": source}), PAC)
    rows.look()
    with opened(folder / "m.onedoor-state", dry_run=False) as state:
        if not state.begun(of):
            read_table(rows, state, of, correction)
        async with door(gateway) as it:
            await Sending(state, source, it, lambda *_: None).send()
        told = report(state)
        with transaction(state):
            state.clear()
    return told


def posted(gateway: Gateway) -> list[Any]:
    return [event for body in gateway.bodies for event in json.loads(body)]


async def test_what_a_table_repeats_is_sent_once(tmp_path: Path) -> None:
    """As 13,774 repeats were in 8,577 rows of a city: no more requests than its events need."""
    lines = [line(number) for number in range(1, 451)] * 3
    Random(1).shuffle(lines)
    gateway = Gateway([])
    told = await imported(gateway, tmp_path, lines)
    assert (told["accepted"], told["repeated"], told["rows"]) == (450, 900, 1350)
    assert [len(json.loads(body)) for body in gateway.bodies] == [200, 200, 50]
    assert len({event["id"] for event in posted(gateway)}) == 450


async def test_what_was_taken_back_before_an_interruption_is_said_anew_after_it(tmp_path: Path) -> None:
    await imported(Gateway([]), tmp_path, [line(1), line(2)])
    lines = [line(1, "2017-07-10 10:00"), line(2, "2017-07-10 10:00")]
    gateway = Gateway([TAKEN, 403])
    with pytest.raises(Said):
        await imported(gateway, tmp_path, lines, CORRECT, of="x")
    assert [event["type"].split(".")[1] for event in posted(gateway)] == ["FactVoided", "ApplicationReceived"]
    after = Gateway([])
    told = await imported(after, tmp_path, lines, CORRECT, of="x")
    assert [event["type"].split(".")[1] for event in posted(after)] == [
        "ApplicationReceived",
        "FactVoided",
        "ApplicationReceived",
    ]
    assert (told["changed"], told["corrected"], told["accepted"]) == (2, 2, 2)


async def test_an_interrupted_import_of_another_table_keeps_what_it_sent(tmp_path: Path) -> None:
    """The next table is compared with it, however it ended."""
    with pytest.raises(Said):
        await imported(Gateway([TAKEN, 403]), tmp_path, [line(number) for number in range(1, 301)], of="one")
    told = await imported(Gateway([]), tmp_path, [line(1, "2017-07-10 10:00"), line(300)], of="two")
    assert (told["changed"], told["new"], told["gone"]) == (1, 1, 199)


@pytest.mark.parametrize(
    ("before", "after", "new", "changed", "gone"),
    [
        ([NOON], [NOON], 0, 0, 0),
        ([NOON], [LATE], 0, 1, 0),
        ([NOON, LATE], [NOON], 0, 0, 1),
        ([NOON], [NOON, LATE], 1, 0, 0),
        ([NOON, LATE], [NOON, "2017-07-10 17:00"], 0, 1, 0),
        ([NOON, LATE], ["2017-07-10 13:00", "2017-07-10 17:00"], 2, 0, 2),
        ([NOON, LATE], ["2017-07-10 17:00"], 1, 0, 2),
        ([NOON], ["2017-07-10 13:00", "2017-07-10 17:00"], 2, 0, 1),
        ([NOON], ["2017-07-10 12:00:00.0"], 0, 0, 0),
    ],
)
async def test_one_left_on_each_side_has_changed_and_anything_else_is_new_or_gone(
    tmp_path: Path, before: list[str], after: list[str], new: int, changed: int, gone: int
) -> None:
    """Of one activity of one dossier; that of another dossier, or another activity, is no match."""
    await imported(Gateway([]), tmp_path, [line(1), *(line(1, at, "Chuyển") for at in before)])
    told = await imported(Gateway([]), tmp_path, [line(1), *(line(1, at, "Chuyển") for at in after)])
    assert (told["new"], told["changed"], told["gone"]) == (new, changed, gone)


async def test_another_dossier_or_activity_is_no_change(tmp_path: Path) -> None:
    await imported(Gateway([]), tmp_path, [line(1)])
    told = await imported(Gateway([]), tmp_path, [line(2), line(1, NOON, "Trả")])
    assert (told["new"], told["changed"], told["gone"]) == (2, 0, 1)
    assert told["newly_gone"] == 1
    again = await imported(Gateway([]), tmp_path, [line(2), line(1, NOON, "Trả")])
    assert (again["gone"], again["newly_gone"]) == (1, 0)  # told before


async def test_a_table_that_lacks_whole_dossiers_is_told_and_no_trouble(tmp_path: Path) -> None:
    """An export of one month has none of the others."""
    await imported(Gateway([]), tmp_path, [line(1)])
    told = await imported(Gateway([]), tmp_path, [line(2)])
    assert (told["new"], told["changed"], told["gone"], told["newly_gone"]) == (1, 0, 1, 0)


async def test_what_was_taken_back_may_be_said_again(tmp_path: Path) -> None:
    """The table goes to and fro: each form has an id of its own, and what stands is what the table says."""
    gateway = Gateway([])
    await imported(gateway, tmp_path, [line(1, NOON)])
    for at in (LATE, NOON, LATE, LATE.replace(" ", "T")):
        told = await imported(gateway, tmp_path, [line(1, at)], CORRECT)
        assert (told["changed"], told["refused"]) == (told["corrected"], 0)
    again = await imported(gateway, tmp_path, [line(1, LATE)])
    assert (again["changed"], again["repeated"], again["accepted"]) == (0, 1, 0)
    voided = {event["data"]["voids"] for event in gateway.events.values() if "FactVoided" in event["type"]}
    told_of = [event for event in gateway.events.values() if "FactVoided" not in event["type"]]
    stands = [one["time"] for one in told_of if event_id("urn:test", one["id"]) not in voided]
    assert (len(voided), len(told_of), stands) == (3, 4, ["2017-07-10T09:00:00+00:00"])


async def test_a_void_that_stands_at_the_gateway_counts_as_done(tmp_path: Path) -> None:
    """The state file was put back, or the import was killed before it kept the answer: who and when differ now."""
    gateway, state = Gateway([]), tmp_path / "m.onedoor-state"
    await imported(gateway, tmp_path, [line(1, NOON)])
    kept = state.read_bytes()
    await imported(gateway, tmp_path, [line(1, LATE)], CORRECT)
    state.write_bytes(kept)
    later = Correction("leader-02", "entered-wrongly", datetime(2017, 8, 2, tzinfo=UTC))
    told = await imported(gateway, tmp_path, [line(1, LATE)], later)
    assert (told["changed"], told["corrected"], told["refused"], len(gateway.events)) == (1, 1, 0, 3)
    again = await imported(gateway, tmp_path, [line(1, LATE)])
    assert (again["changed"], again["repeated"]) == (0, 1)


async def test_what_the_gateway_would_refuse_takes_nothing_back(tmp_path: Path) -> None:
    """The earlier form stands, and the row is told with the reason."""
    gateway = Gateway([])
    await imported(gateway, tmp_path, [line(1, NOON, "A-1"), line(2, NOON, "A-1")], by=BY_UNIT)
    changed = [line(1, NOON, "Phòng một"), line(2, NOON, "A-2")]
    told = await imported(gateway, tmp_path, changed, CORRECT, by=BY_UNIT)
    assert (told["changed"], told["corrected"], told["taken_back"], told["refused"]) == (2, 1, 0, 1)
    (reason,) = told["reasons"]
    assert (reason["examples"][0]["row"], reason["examples"][0]["rule"]) == (2, "invalid-data")
    assert reason["examples"][0]["where"] == "Việc"
    assert [one["data"]["case_id"][-1] for one in gateway.events.values() if "FactVoided" in one["type"]] == ["2"]
    again = await imported(gateway, tmp_path, [line(1, NOON, "A-1"), line(2, NOON, "A-2")], by=BY_UNIT)
    assert (again["changed"], again["new"], again["repeated"]) == (0, 0, 2)


async def test_what_is_taken_back_and_then_refused_is_told_as_that(tmp_path: Path) -> None:
    """What only the gateway knows, such as whose units it may name. The rest of what has changed is left as it is, and
    the next table says the row as new."""
    gateway = Gateway([])
    await imported(gateway, tmp_path, [line(1, NOON, "A-1"), line(2, NOON, "A-1")], by=BY_UNIT)
    gateway.unit = "B-1"
    changed = [line(1, NOON, "B-1"), line(2, NOON, "A-2")]
    told = await imported(gateway, tmp_path, changed, CORRECT, by=BY_UNIT)
    assert (told["changed"], told["corrected"], told["taken_back"], told["refused"]) == (2, 0, 1, 1)
    assert [(one["row"], one["taken_back"]) for one in told["changes"]] == [(2, True), (3, False)]
    console = Console(file=StringIO(), width=200)
    show(console, "table.csv", told)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert "2 changed (0 corrected, 1 taken back and refused)" in printed
    assert "changed, taken back and refused  row 2  000.00.30.H49-170710-0001" in printed
    assert "no longer stands" in printed
    again = await imported(gateway, tmp_path, [line(1, NOON, "A-1"), line(2, NOON, "A-2")], CORRECT, by=BY_UNIT)
    assert (again["new"], again["changed"], again["corrected"], again["refused"]) == (1, 1, 1, 0)


async def test_a_day_that_another_row_moves_has_not_changed(tmp_path: Path) -> None:
    """What was sent of the day stays as it was sent; another day, or an hour of it, is a change."""
    gateway = Gateway([])
    await imported(gateway, tmp_path, [line(1, "2017-07-12", "Trả")], by=BY_DAY)
    late = line(1, "2017-07-12 18:00", "Chuyển")
    told = await imported(gateway, tmp_path, [late, line(1, "2017-07-12", "Trả")], CORRECT, by=BY_DAY)
    assert (told["new"], told["changed"], told["repeated"], told["refused"]) == (1, 0, 1, 0)
    (closed,) = [one for one in gateway.events.values() if "CaseClosed" in one["type"]]
    assert closed["time"] == "2017-07-12T10:00:00+00:00"
    other = await imported(gateway, tmp_path, [late, line(1, "2017-07-13", "Trả")], by=BY_DAY)
    assert (other["changed"], other["gone"]) == (1, 0)
    hour = {**BY_DAY, "facts": [BY_DAY["facts"][0], {"activity": "Trả", "fact": "CaseClosed"}], "calendar": None}
    exact = await imported(gateway, tmp_path, [late, line(1, "2017-07-12 17:00", "Trả")], by=hour)
    assert (exact["changed"], exact["gone"]) == (1, 0)


async def test_a_moved_day_without_the_state_file_is_refused_and_the_first_stands(tmp_path: Path) -> None:
    gateway = Gateway([])
    day, late = line(1, "2017-07-12", "Trả"), line(1, "2017-07-12 18:00", "Chuyển")
    await imported(gateway, tmp_path, [day], by=BY_DAY)
    (tmp_path / "m.onedoor-state").unlink()
    told = await imported(gateway, tmp_path, [late, day], by=BY_DAY)
    assert (told["accepted"], told["refused"], told["reasons"][0]["examples"][0]["rule"]) == (1, 1, "id-reused")
    assert [one["time"][:16] for one in gateway.events.values()] == ["2017-07-12T10:00", "2017-07-12T11:00"]


async def test_another_cell_of_the_same_act_has_changed_too(tmp_path: Path) -> None:
    """Its id would be the same: it is taken back, and said under another."""
    by_act = {**MAPPING, "id": ["Việc"]}
    gateway = Gateway([])
    await imported(gateway, tmp_path, [line(1, NOON)], by=by_act)
    told = await imported(gateway, tmp_path, [line(1, LATE)], CORRECT, by=by_act)
    assert (told["changed"], told["corrected"], told["refused"]) == (1, 1, 0)
    assert len(gateway.events) == 3


async def test_two_imports_at_once_are_refused_and_a_broken_state_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m.onedoor-state"
    with opened(path, dry_run=False):
        with pytest.raises(OnedoorError, match=r"^m\.onedoor-state: another import by this mapping is under way"):
            with opened(path, dry_run=False):
                pass
    path.write_bytes(b"no database at all, and long enough to be looked at" * 50)
    with pytest.raises(OnedoorError, match=r"^m\.onedoor-state: file is not a database; it keeps what was sent"):
        with opened(path, dry_run=False):
            pass


async def test_what_another_source_said_is_not_compared(tmp_path: Path) -> None:
    await imported(Gateway([]), tmp_path, [line(1)])
    with pytest.raises(OnedoorError, match="sent as urn:test, and now it says urn:other"):
        await imported(Gateway([]), tmp_path, [line(1)], source="urn:other")


@pytest.mark.parametrize(("leader", "reason"), [("Nguyễn Văn A", "wrong-time"), ("leader-01", "Sai giờ")])
def test_leader_and_reason_are_codes(leader: str, reason: str) -> None:
    with pytest.raises(OnedoorError, match=r"^--(leader|reason): .*; codes as in"):
        Correction(leader, reason, CORRECT.at).check()
