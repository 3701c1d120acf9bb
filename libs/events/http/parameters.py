"""Types for what callers send, within what Postgres can hold: without one, a text has a zero character and a number
has no end."""

from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, Field

T = TypeVar("T")

LARGEST: Final = 2**63 - 1  # a bigint
LARGEST_INTEGER: Final = 2**31 - 1
NO_ZERO: Final = r"^[^\x00]*$"
StorableText = Annotated[str, Field(pattern=NO_ZERO)]
Run = Annotated[int, Field(ge=1, le=LARGEST_INTEGER, description="The number of a run.")]


def some(values: tuple[T, ...]) -> tuple[T, ...]:
    """At least one. By `min_length` pydantic would report a tuple as too short beside what is wrong inside it."""
    if not values:
        raise ValueError("at least 1 is needed")
    return values


SOME: Final[dict[str, Any]] = {"minItems": 1}
"""The same in a JSON schema."""
Some = Annotated[tuple[T, ...], AfterValidator(some), Field(json_schema_extra=SOME)]
