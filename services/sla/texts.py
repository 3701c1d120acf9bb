"""Sentences in two languages, Vietnamese first, and the words that every explanation shares."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from deadlines.catalogue import Catalogue
from deadlines.instants import OFFSET


class Text(NamedTuple):
    """The same sentence in Vietnamese and English."""

    vi: str
    en: str


def local(instant: datetime) -> str:
    """An instant by the clock on a counter's wall."""
    return f"{instant + timedelta(seconds=OFFSET):%d/%m/%Y %H:%M}"


def reason_of(catalogue: Catalogue, word: str) -> Text:
    """A word that stands as a reason, or as what is waited for; itself where nobody has said more."""
    reason = catalogue.reasons.get(word)
    return Text(reason.vi, reason.en) if reason else _WAITS.get(word, Text(word, word))


_WAITS: Final = {
    "supplement": Text("bổ sung hồ sơ", "the supplement that was asked for"),
    "own-works": Text("công trình của khách hàng", "the customer's own works"),
    "road-trench": Text("giấy phép đào đường", "the permit to dig"),
    "corridor-overhead": Text("hành lang tuyến trên không", "the overhead corridor"),
}
