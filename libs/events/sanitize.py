"""Text that came from outside, made safe for where it goes: a column of the database, a terminal."""

import json


def storable(text: str) -> str:
    """The text as Postgres can hold it: without zero characters and halves of characters."""
    return text.encode(errors="replace").decode().replace("\0", "\ufffd")


def printable(text: str) -> str:
    """The text without anything that a terminal would act upon: escaped as in JSON where there is such a thing."""
    return text if text.isprintable() else json.dumps(text)[1:-1]
