"""Topic-partitions as files: byte by byte what stood on the topic, a segment after the other, never over a gap."""

import gzip
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.errors import Unreadable
from events.kafka import archive as files
from events.kafka.archive import Kept, reach, segments, write

JSON_OR_NOT = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [b'{"a":1}', b'{"a": "\xff"}', b'{"a"\n:1}', '{"a":"Hạ Long"}'.encode(), b'{"a":1} ', b"{1}", b"{}"]
    ),
)


def kept(*values: bytes, first: int = 0) -> list[Kept]:
    return [Kept(first + number, b"key", value) for number, value in enumerate(values)]


def export(folder: Path, records: list[Kept], end: int, id: str = "one") -> list[int]:
    return list(write(folder, "t", id, 0, records, end))


def everything(folder: Path, id: str = "one") -> list[Kept]:
    return [record for one in segments(folder, "t", id, 0) for record in one.records()]


@given(st.lists(st.tuples(st.binary(max_size=10), JSON_OR_NOT), max_size=8))
def test_every_record_comes_back_as_it_stood(records: list[tuple[bytes, bytes]]) -> None:
    """Keys and values of any bytes."""
    written = [Kept(offset, key, value) for offset, (key, value) in enumerate(records)]
    with TemporaryDirectory() as folder:
        export(Path(folder), written, len(written))
        assert everything(Path(folder)) == written


def test_a_later_export_goes_on_where_the_last_one_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In segments of a bounded size; what was written stays as it was."""
    monkeypatch.setattr(files, "LARGEST", 2)
    first, then = kept(b"{}", b"{}", b"{}"), kept(b"{}", b"x", first=3)
    assert export(tmp_path, first, 3) == [2, 3]
    was = [one.file.read_bytes() for one in segments(tmp_path, "t", "one", 0)]
    assert export(tmp_path, then, 5) == [5]
    assert [one.file.read_bytes() for one in segments(tmp_path, "t", "one", 0)][:2] == was
    assert everything(tmp_path) == first + then
    assert reach(segments(tmp_path, "t", "one", 0)) == 5


def test_offsets_that_hold_nothing_are_no_gap(tmp_path: Path) -> None:
    """Kafka gives some to what is no record."""
    records = [Kept(1, b"k", b"{}"), Kept(4, b"k", b"{}")]
    export(tmp_path, records, 6)
    assert everything(tmp_path) == records
    assert reach(segments(tmp_path, "t", "one", 0)) == 6


def test_a_topic_that_was_made_again_has_segments_of_its_own(tmp_path: Path) -> None:
    """Its offsets mean other records; an id may hold what no file name does."""
    export(tmp_path, kept(b"{}", b"{}"), 2)
    assert segments(tmp_path, "t", "an/other+id", 0) == []
    export(tmp_path, kept(b"[1]"), 1, "an/other+id")
    assert everything(tmp_path, "an/other+id") == kept(b"[1]")
    assert everything(tmp_path) == kept(b"{}", b"{}")


def test_what_lies_behind_a_missing_segment_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST", 1)
    export(tmp_path, kept(b"{}", b"{}", b"{}"), 3)
    segments(tmp_path, "t", "one", 0)[1].file.unlink()
    assert reach(segments(tmp_path, "t", "one", 0)) == 1


def test_what_a_killed_export_left_is_no_segment_and_is_written_over(tmp_path: Path) -> None:
    export(tmp_path, kept(b"{}"), 1)
    (tmp_path / "t@one" / "0" / "under-way").write_bytes(b"half")
    assert reach(segments(tmp_path, "t", "one", 0)) == 1
    export(tmp_path, kept(b"{}", first=1), 2)
    assert everything(tmp_path) == kept(b"{}", b"{}")


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[: len(whole) // 2],
        lambda _: b"no gzip",
        lambda _: gzip.compress(b'{"offset":0}'),
        lambda _: gzip.compress(b'{"offset":0,"key":"k","value":{}'),
        lambda _: gzip.compress(b'{"offset":7,"key":"k","value":{}}\n'),
        lambda _: gzip.compress(b'{"offset":1,"key":"k","value":{}}\n{"offset":0,"key":"k","value":{}}\n'),
    ],
)
def test_a_damaged_segment_is_named(tmp_path: Path, damage: "object") -> None:
    """Cut short, no archive, no line of ours, an offset that is not in it, two in the wrong order."""
    assert callable(damage)
    export(tmp_path, kept(b"{}", b"{}"), 2)
    (one,) = segments(tmp_path, "t", "one", 0)
    one.file.write_bytes(damage(one.file.read_bytes()))
    with pytest.raises(Unreadable, match=one.file.name):
        list(one.records())
