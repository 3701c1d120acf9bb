"""`onedoor conform`: what it says of a file or a topic, to a person and to a program, and how it ends."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from contracts.sending import producing, transact
from gateway.dossiers import CLOSED, FORWARDED, RECEIVED, RETURNED, dossier
from gateway.told import CASE, EVERYTHING, enter, event
from typer.testing import CliRunner, Result

from events.gateway.cloudevent import LARGEST
from events.kafka import topics
from onedoor.__main__ import app

SOUND = dossier(RECEIVED, FORWARDED, RETURNED, CLOSED)
WRONG = replace(event("CustomerRated", stars=9), id="wrong")
ARRIVED = ("--arrived", "2017-07-12T09:00")


@pytest.fixture
def entered(tmp_path: Path) -> Path:
    file = tmp_path / "emitters.yaml"
    enter(file, EVERYTHING)
    return file


def recorded(folder: Path, events: Sequence[Any]) -> Path:
    """A file with an event on each line; bytes as they are."""
    path = folder / "events.ndjson"
    lines = [one if isinstance(one, bytes) else json.dumps(one.structured).encode() for one in events]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def run(stream: Path | str, entered: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["conform", str(stream), "--emitters", str(entered), *words])


def test_a_sound_recording_is_clean_and_ends_with_0(tmp_path: Path, entered: Path) -> None:
    told = run(recorded(tmp_path, SOUND), entered, *ARRIVED)
    assert (told.exit_code, told.output.count("\n")) == (0, 3)
    assert "events.ndjson: clean" in told.output
    assert "4 events, 1 dossiers: 4 would be accepted, 0 are repeats, 0 would be refused" in told.output
    assert "from 10/07/2017 10:00 to 10/07/2017 13:00" in told.output


def test_a_byte_order_mark_before_a_line_is_ignored(tmp_path: Path, entered: Path) -> None:
    """Also where files that begin with one were put together, and where nothing follows it."""
    marked = [b"\xef\xbb\xbf" + json.dumps(one.structured).encode() for one in SOUND]
    told = run(recorded(tmp_path, [*marked, b"\xef\xbb\xbf"]), entered, *ARRIVED)
    assert told.exit_code == 0, told.output


def test_what_is_worth_a_look_is_tolerated_and_ends_with_4(tmp_path: Path, entered: Path) -> None:
    told = run(recorded(tmp_path, [SOUND[1], SOUND[0], *SOUND[2:], SOUND[3]]), entered, *ARRIVED)
    assert told.exit_code == 4
    assert "order  out-of-order  1 event tolerated" in told.output
    assert f"line 2  id d-1  {CASE}" in told.output
    assert "duplicates  repeated  1 event tolerated" in told.output


def test_what_would_be_refused_is_rejected_and_ends_with_5(tmp_path: Path, entered: Path) -> None:
    """An empty line is none, and whatever a field holds, the terminal is safe."""
    nasty = json.dumps(replace(event(), source="urn:\x1b[2Jnobody", id="\x1b[31m").structured).encode()
    told = run(recorded(tmp_path, [WRONG, b"", b"{", nasty, b"x" * 3 * LARGEST, *SOUND]), entered, *ARRIVED)
    assert told.exit_code == 5
    assert "schema  invalid-data  data.stars  1 event rejected" in told.output
    assert "line 1  id wrong" in told.output
    assert "→ GET /schemas/CustomerRated/1 shows every field" in told.output
    assert "schema  broken-json  body  1 event rejected" in told.output
    assert "schema  event-too-large  data  1 event rejected" in told.output
    assert "    line 5" in told.output
    assert "9 events" not in told.output
    assert "8 events, 1 dossiers: 4 would be accepted, 0 are repeats, 4 would be refused" in told.output
    assert "\x1b" not in told.output


def test_a_program_gets_one_object(tmp_path: Path, entered: Path) -> None:
    told = run(recorded(tmp_path, [*SOUND, WRONG]), entered, *ARRIVED, "--json")
    report = json.loads(told.output)
    assert (told.exit_code, report["level"], report["accepted"], report["refused"]) == (5, "rejected", 4, 1)
    (found,) = report["findings"]
    assert (found["rule"], found["field"], found["level"], found["count"]) == (
        "invalid-data", "data.stars", "rejected", 1,
    )  # fmt: skip
    assert found["examples"] == [{"place": 5, "id": "wrong", "case": None, "detail": found["examples"][0]["detail"]}]


def test_the_skew_is_against_the_arrival_that_is_told(tmp_path: Path, entered: Path) -> None:
    path = recorded(tmp_path, SOUND)
    early = run(path, entered, "--arrived", "2017-07-10T09:00")
    assert early.exit_code == 5
    assert "clock  time-in-future  time  4 events rejected" in early.output
    assert "clock  too-old  time  4 events rejected" in run(path, entered).output


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"[\n{}]", "begins as a JSON array"), (None, "there is no such file")],
)
def test_what_is_no_recording_is_said_in_a_sentence(
    tmp_path: Path, entered: Path, content: bytes | None, sentence: str
) -> None:
    path = tmp_path / "other.json"
    if content is not None:
        path.write_bytes(content)
    told = run(path, entered)
    assert told.exception is not None
    assert sentence in str(told.exception)


async def test_a_topic_is_read_to_its_end_with_signatures_keys_and_arrivals(
    kafka: str, topic_prefix: str, entered: Path
) -> None:
    """One that somebody copied a stream to, with the times at which it was written; what was aborted counts nowhere."""
    await topics.ensure(kafka, topic_prefix, ["field.events"])
    topic = f"{topic_prefix}field.events"
    await transact(kafka, topic, b"{", abort=True, partition=0)
    letters = [one.letter(binary=bool(number % 2)) for number, one in enumerate(SOUND)]
    forged = WRONG.letter(key=None)
    async with producing(kafka, compression_type="zstd") as producer:
        for number, letter in enumerate([*letters, forged]):
            key = CASE.encode() if number else b"another"
            at = int((SOUND[0].at + timedelta(minutes=61 * number)).timestamp() * 1000)
            await producer.send(topic, letter.value, key=key, headers=list(letter.headers.items()), timestamp_ms=at)
    told = await asyncio.to_thread(run, topic, entered, "--kafka", kafka, "--json")
    report = json.loads(told.output)
    assert (told.exit_code, report["accepted"], report["refused"]) == (5, 4, 1)
    assert {one["rule"]: one["count"] for one in report["findings"]} == {"unsigned": 1, "another-key": 1}
    assert report["clock"]["seconds_late"] == 180
    assert all(one["examples"][0]["place"].startswith(f"{topic}/") for one in report["findings"])
    nowhere = await asyncio.to_thread(run, topic + "x", entered, "--kafka", kafka)
    assert "has no topic of that name" in str(nowhere.exception)
