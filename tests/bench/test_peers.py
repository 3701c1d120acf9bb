"""What the benchmark beside others rests on: its sides are asked for the same rows, and unequal ones are noticed."""

import json
from pathlib import Path

import pytest
from oracle.judging import RULES

from bench.made import row
from bench.peers import filling
from bench.peers.chart import chart
from bench.peers.contestants.folding import Row, fold
from bench.peers.rows import Differs, checksum
from events.kafka.cloudevent import to_cloudevent
from sla.judging.judge import judge


def test_the_fold_of_the_peers_gives_what_the_judge_gives() -> None:
    """Over dossiers of every day of the log, ahead, on time and overdue, with and without a supplement."""
    folded: dict[str, Row] = {}
    facts = list(filling.facts(400))
    for fact in facts:
        event = json.loads(to_cloudevent(row(fact), "/onedoor/bench"))
        case = event["subject"]
        folded[case] = fold(folded.get(case), event["type"], event["time"], event["data"].get("appointment"))
    assert {one[3] for one in folded.values()} == {"ahead", "on-time", "overdue"}
    assert {one[4] for one in folded.values()} == {filling.FACTS}
    for case, (received, due, released, verdict, _) in folded.items():
        (cycle,) = judge([fact for fact in facts if fact.subject == case], RULES).cycles
        assert cycle.due_at is not None
        assert cycle.released_at is not None
        instants = [
            one.isoformat().replace("+00:00", "Z") for one in (cycle.received_at, cycle.due_at, cycle.released_at)
        ]
        assert [*instants, cycle.class_a] == [received, due, released, verdict]


def test_rows_are_equal_whatever_their_order_and_spelling(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.write_text(
        "a\t2017-07-10T01:00:00+00:00\t2017-07-13T10:00:00+00:00\t2017-07-13T01:00:00+00:00\ton-time\n"
        "b\t2017-07-10T02:00:00+00:00\t2017-07-13T10:00:00+00:00\t2017-07-14T01:00:00+00:00\toverdue\n"
    )
    theirs.write_text(
        "b\t2017-07-10T02:00:00Z\t2017-07-13T17:00:00+07:00\t2017-07-14T01:00:00Z\toverdue\t10\n"
        "a\t2017-07-10T01:00:00Z\t2017-07-13T10:00:00Z\t2017-07-13T01:00:00Z\ton-time\t10\n"
    )
    assert checksum(ours, 2, 20) == checksum(theirs, 2, 20)
    ours.write_text(ours.read_text().replace("overdue", "ahead"))
    assert checksum(ours, 2, 20) != checksum(theirs, 2, 20)


@pytest.mark.parametrize(("dossiers", "events"), [(2, 10), (1, 11)])
def test_a_missing_case_or_event_is_noticed(tmp_path: Path, dossiers: int, events: int) -> None:
    left = tmp_path / "rows.tsv"
    left.write_text("a\t\t\t\t\t10\n")
    with pytest.raises(Differs):
        checksum(left, dossiers, events)


def test_the_longest_bar_is_the_fastest_side() -> None:
    drawn = chart({"slow & old": 10.0, "fast": 1000.0}, ["fast"])
    assert drawn.index("fast") < drawn.index("slow &amp; old")
    assert 'width="480.0"' in drawn
    assert 'width="4.8"' in drawn
