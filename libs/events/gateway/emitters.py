"""Who may say what: the file of emitters, deploy/emitters.yaml, and what is checked of it at a start."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from events import yaml_file
from events.contracts.channels import OTHERS
from events.contracts.terms import OWNER, FactName, Reference, UnitCode
from events.errors import Forbidden, OnedoorError

Owner = Annotated[str, Field(pattern=f"^{OWNER}$", examples=["000.00.30.H49"])]
Units = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)*(-\*)?$", max_length=24, examples=["SXD-*"])]
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$")]  # 32 bytes of Ed25519 in base64
Origin = Annotated[
    str, Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$", max_length=253)
]
REPLY = "AgencyReplied"  # all that is heard of dossiers of ours


class Emitter(BaseModel):
    """Another system. `code` is the unit in its tokens, `source` what its events name.

    It says `facts` about dossiers whose codes begin with one of `dossiers`, naming no units but `units` (SXD-* are all
    that begin with SXD-). `replies`: it is an agency's, and says AgencyReplied about dossiers of ours. A time may lie
    `ahead_minutes` after its arrival and `late_days` before it. `keys` are the public halves of its keys for Kafka, in
    base64: while it changes its key there are two. `per_minute`: so many events it may post. `origins` are the DNS
    names, in lower case, under which a sender of web hooks may ask whether it may deliver this system's events.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    code: UnitCode
    source: Annotated[Reference, Field(max_length=120)]
    name: str
    facts: Annotated[tuple[FactName, ...], Field(min_length=1)]
    units: Annotated[tuple[Units, ...], Field(min_length=1)]
    dossiers: tuple[Owner, ...] = ()
    replies: bool = False
    keys: tuple[Key, ...] = ()
    origins: tuple[Origin, ...] = ()
    per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = 6000
    ahead_minutes: Annotated[int, Field(ge=0, le=1440)] = 5
    late_days: Annotated[int, Field(ge=1, le=36600)] = 366

    @field_validator("facts")
    @classmethod
    def _of_others(cls, facts: tuple[str, ...]) -> tuple[str, ...]:
        if ours := sorted(set(facts) - set(OTHERS)):
            raise ValueError(f"{', '.join(ours)}: no fact that another system may say")
        return facts

    @model_validator(mode="after")
    def _about_something(self) -> Self:
        if self.replies and REPLY not in self.facts:
            raise ValueError(f"replies: without {REPLY} among its facts")
        if not self.dossiers and not (self.replies and self.facts == (REPLY,)):
            raise ValueError("dossiers: it has none that it could speak of")
        return self

    def names(self, unit: str) -> bool:
        """Whether this is one of its units."""
        return any(unit == one or (one[-1] == "*" and unit.startswith(one[:-1])) for one in self.units)

    @property
    def ahead(self) -> timedelta:
        return timedelta(minutes=self.ahead_minutes)

    @property
    def late(self) -> timedelta:
        return timedelta(days=self.late_days)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    emitters: tuple[Emitter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Emitters:
    """The emitters by their codes; `ours` are the beginnings of the codes of our own dossiers."""

    by_code: Mapping[str, Emitter]
    ours: frozenset[str]

    def speaking_as(self, source: str | None) -> Emitter:
        """The emitter of a source. Raises Forbidden."""
        for one in self.by_code.values():
            if one.source == source:
                return one
        raise Forbidden(
            "unknown-source", "no emitter speaks as this", field="source",
            way_out="say the source under which the operator of onedoor has entered your system",
        )  # fmt: skip

    def rate_of(self, origin: str) -> int | None:
        """How many requests a minute a sender of web hooks may deliver from this origin; None: none."""
        return min((one.per_minute for one in self.by_code.values() if origin.lower() in one.origins), default=None)

    def of(self, code: str | None) -> Emitter:
        """Raises Forbidden."""
        found = self.by_code.get(code or "")
        if found is None:
            raise Forbidden(
                "unknown-emitter", f"no emitter is entered as {code or 'no unit'}", field="Authorization",
                way_out="ask the operator of onedoor to enter your system; what is needed stands in docs/emitters.md",
            )  # fmt: skip
        return found


def load(path: Path, ours: Collection[str]) -> Emitters:
    """The emitters in a file. Raises OnedoorError with a sentence that names file and field."""
    return of(path.name, yaml_file.read(path), ours)


def of(name: str, content: Any, ours: Collection[str]) -> Emitters:
    """The emitters in a file's content, checked: no code, no source and no dossier belongs to two of them, and none of
    their dossiers is ours. Raises OnedoorError."""
    try:
        emitters = _File.model_validate(content or {}).emitters
    except ValidationError as invalid:
        first = invalid.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise OnedoorError(f"{name}: {where}: {first['msg']}") from invalid
    held: dict[tuple[str, str], str] = {("dossiers", owner): "onedoor" for owner in ours}
    for one in emitters:
        claims = [("code", one.code), ("source", one.source), *(("dossiers", owner) for owner in one.dossiers)]
        for claim in claims:
            if claim in held:
                raise OnedoorError(f"{name}: {one.code}: {claim[0]}: {claim[1]} belongs to {held[claim]}")
            held[claim] = one.code
    return Emitters(by_code={one.code: one for one in emitters}, ours=frozenset(ours))
