"""Text that came from outside, made safe for where it goes: a column of the database, a terminal."""

import json


def storable(text: str) -> str:
    """The text as Postgres can hold it: without zero characters and halves of characters."""
    return text.encode(errors="replace").decode().replace("\0", "\ufffd")


def printable(text: str) -> str:
    """The text without anything that a terminal would act upon or that nobody would see: such a character is escaped
    as in JSON, and the others are as they are."""
    return text if text.isprintable() else "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)
