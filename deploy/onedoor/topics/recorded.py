"""Where a recorded stream comes from: a file with an event on each line, or a topic up to its end of now."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from events.errors import OnedoorError, Refused
from events.gateway.cloudevent import LARGEST, MARK, STRUCTURED, Item, Sent, Unread, of_request
from events.gateway.recording import Recording
from events.gateway.signed_record import Letter
from onedoor.topics.records import Place, Topics

LONGEST: Final = 2 * LARGEST  # bytes of a line: the data of an event, and room for its attributes
EVERY: Final = 500  # lines between two words about how far it is
Tell = Callable[[int], object]


def hear_file(recording: Recording, path: Path, arrived: datetime, tell: Tell) -> None:
    """The events of a file, by the numbers of their lines. Told how many bytes were read. Raises OnedoorError."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(_lines(file), 1):
                text = line.removeprefix(MARK).strip()
                if number == 1 and text.startswith(b"["):
                    raise OnedoorError(
                        f"{path} begins as a JSON array; one event a line is read: jq -c '.[]' {path} > events.ndjson"
                    )
                if text:
                    recording.posted(_item(line), arrived, number)
                if number % EVERY == 0:
                    tell(file.tell())
    except OSError as broken:
        raise OnedoorError(f"{path}: {broken.strerror}") from broken


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Line by line; of one that is too long its beginning."""
    while line := file.readline(LONGEST):
        rest = line
        while not rest.endswith(b"\n") and len(rest) == LONGEST:
            rest = file.readline(LONGEST)
        yield line


def _item(line: bytes) -> Item:
    if len(line) == LONGEST and not line.endswith(b"\n"):
        why = Refused(
            "event-too-large", f"a line of {LONGEST} bytes and more", field="data",
            way_out="send codes and references; files stay where they are",
        )  # fmt: skip
        return Unread(why=why, digest=sha256(line).digest())
    item = of_request(STRUCTURED, {}, line)
    assert isinstance(item, Sent | Unread)
    return item


def hear_topic(recording: Recording, topics: Topics, spans: Mapping[Place, tuple[int, int]], tell: Tell) -> None:
    """The records of these spans, each as it arrived when it was written. Told how many were read."""
    for record in topics.read(spans, lambda _: True, tell):
        arrived = datetime.fromtimestamp(max(record.time, 0) / 1000, UTC)
        recording.put(Letter.of(record.headers, record.value), record.key, arrived, record.place)
