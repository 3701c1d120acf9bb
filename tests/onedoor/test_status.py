"""`onedoor status`: what it says of a watermark that stands, and that this is not well."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import msgspec
from rich.console import Console

from events.kafka.heartbeat import STANDS_AFTER, watermarks
from onedoor.verbs.status import is_well, show

AT = datetime(2017, 7, 10, 3, tzinfo=UTC)


def standing(**known: datetime | None) -> dict[str, Any]:
    """As the services answer, an hour after sla began to listen."""
    told = [one._asdict() for one in watermarks(known, AT - timedelta(hours=1), AT)]
    return {"field": {"ready": True}, "sla": {"ready": True, "watermarks": msgspec.to_builtins(told)}}


def shown(of: dict[str, Any]) -> str:
    console = Console(file=StringIO(), width=160)
    show(console, of)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_all_that_move_are_well_and_say_nothing() -> None:
    moving = standing(intake=AT, settled=AT - timedelta(seconds=STANDS_AFTER))
    assert is_well(moving)
    assert "watermark" not in shown(moving)


def test_one_that_stands_is_named_with_its_instant() -> None:
    """Though every service is ready."""
    stands = standing(intake=AT, field=AT - timedelta(minutes=55), settled=AT - timedelta(minutes=55))
    assert not is_well(stands)
    assert "the watermark of field stands since 10/07/2017 09:05" in shown(stands)
    assert (
        "nothing is warned of, nothing is final and no day is sealed of what was said since 10/07/2017 09:05"
        in shown(stands)
    )
    assert "intake" not in shown(stands)


def test_one_that_was_never_heard_is_named_too() -> None:
    never = standing(intake=AT, field=None)
    assert not is_well(never)
    assert "the watermark of field was never heard" in shown(never)
