"""A correction in words, Vietnamese and English: what was put right, from what to what, why and by whom."""

import re
from typing import Final

from deadlines.catalogue import Catalogue
from events.instants import parse_instant
from sla.i18n.labels import FACTS, FIELDS, reason_of, value_of
from sla.i18n.texts import Text, local
from sla.judging.rows import Amendment

INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


def correction(one: Amendment, catalogue: Catalogue) -> Text:
    """The line of a correction in a case's explanation; it names the correcting event and what it is about."""
    why = reason_of(catalogue, one.reason)
    fact = FACTS.get(one.fact, Text(one.fact, one.fact))
    by = Text(f"{one.leader}, {why.vi} ({one.event})", f"{one.leader}, {why.en} ({one.event})")
    if one.kind == "voided":
        return Text(f"Hủy sự kiện “{fact.vi}” ({one.about}): {by.vi}", f"Voided: {fact.en} ({one.about}), by {by.en}")
    field = FIELDS.get(one.field, Text(one.field, one.field))
    was, now = _value(one.was, catalogue), _value(one.now, catalogue)
    if one.kind == "reclassified":
        return Text(f"Xác định lại thủ tục: từ {was.vi} thành {now.vi}: {by.vi}",
                    f"Reclassified: from {was.en} to {now.en}, by {by.en}")  # fmt: skip
    return Text(
        f"Sửa {field.vi} của “{fact.vi}” ({one.about}): từ {was.vi} thành {now.vi}: {by.vi}",
        f"Corrected: {field.en} of {fact.en} ({one.about}), from {was.en} to {now.en}, by {by.en}",
    )


def _value(text: str, catalogue: Catalogue) -> Text:
    """A value as people read it: codes by their names, instants by the clock on the wall, nothing as such."""
    if not text:
        return Text("(không có)", "(none)")
    if INSTANT.match(text):
        told = local(parse_instant(text))
        return Text(told, told)
    return value_of(catalogue, text)
