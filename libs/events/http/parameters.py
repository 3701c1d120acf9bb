"""Types for what callers send, within what Postgres can hold: without one, a text has a zero character and a number
has no end."""

from typing import Annotated, Final

from pydantic import Field

LARGEST: Final = 2**63 - 1  # a bigint
LARGEST_INTEGER: Final = 2**31 - 1
NO_ZERO: Final = r"^[^\x00]*$"
StorableText = Annotated[str, Field(pattern=NO_ZERO)]
Run = Annotated[int, Field(ge=1, le=LARGEST_INTEGER, description="The number of a run.")]
