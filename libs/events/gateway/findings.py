"""What a check of a recording has to say: alike things together, counted, the first of them, how to mend it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made
from typing import Final, Literal, NamedTuple

from events.errors import Refused
from events.gateway.sequence_step import Place

Level = Literal["clean", "tolerated", "rejected"]
Subject = Literal["schema", "identity", "key", "order", "duplicates", "clock", "transitions", "promises"]
SUBJECTS: Final[tuple[Subject, ...]] = (
    "schema", "identity", "key", "order", "duplicates", "clock", "transitions", "promises",
)  # fmt: skip
SHOWN: Final = 3  # examples of each finding

OF_REFUSALS: Final[Mapping[str, Subject]] = {
    **dict.fromkeys(
        (
            "unknown-source", "unsigned", "anothers-source", "fact-not-yours", "anothers-dossier", "answers-ours",
            "unit-not-yours",
        ),
        "identity",
    ),
    **dict.fromkeys(("no-instant", "time-in-future", "too-old"), "clock"),
    "another-subject": "key",
    "id-reused": "duplicates",
}  # fmt: skip
"""What the gateway's rules are about; all others are about the schema."""


class Note(NamedTuple):
    """Something that the gateway takes in and that is worth a look all the same."""

    subject: Subject
    says: str
    way_out: str


_UNIT_IN_CHARGE: Final = "say every DossierForwarded: the unit in charge is the one to which the last of them went"
NOTES: Final[Mapping[str, Note]] = {
    "another-key": Note(
        "key", "a record's key is not its dossier's code",
        "any key is taken; with the dossier's code as key your own readers get a dossier's events in order",
    ),
    "out-of-order": Note(
        "order", "an event comes after a later one of its dossier",
        "any order is taken, for the times count: make sure that they are those at which it happened",
    ),
    "repeated": Note(
        "duplicates", "an event comes again with the same content", "a repeat changes nothing: sending it is safe"
    ),
    "answered-before-asked": Note(
        "clock", "an answer is said to be earlier than what it answers; it counts from the question",
        "set the clocks of both programs by one time server",
    ),
    "no-receipt": Note(
        "promises", "nobody received this dossier, so nothing is judged", "say its ApplicationReceived too"
    ),
    "no-promise": Note(
        "promises", "a receipt without a promise: its dossier counts as undetermined, never as on time",
        "say promise, with a service of the catalogue, with due or with working_days",
    ),
    "reopened-without-due": Note(
        "promises", "reopened without due, where the receipt stated one: the new run counts as undetermined",
        "say due in CaseReopened",
    ),
    "unknown-service": Note(
        "promises", "the catalogue has no such service: the dossier counts as undetermined",
        "name a service of deploy/catalogue/services.yaml, or say due or working_days",
    ),
    "unknown-calendar": Note(
        "promises", "the catalogue has no such calendar: the dossier counts as undetermined",
        "name a calendar of deploy/catalogue/calendars.yaml",
    ),
    "before-receipt": Note(
        "transitions", "it happened before the receipt and moves nothing", "give the receipt the time at which it was"
    ),
    "received-again": Note(
        "transitions", "received a second time: moves nothing",
        "give a new dossier a code of its own; a dossier that begins anew is CaseReopened",
    ),
    "reopened-while-open": Note(
        "transitions", "reopened while it was open: moves nothing", "say first how it ended, as in DossierReturned"
    ),
    "after-end": Note(
        "transitions", "it happened after the end and moves nothing", "say CaseReopened before it, or correct its time"
    ),
    "answers-nothing": Note(
        "transitions", "it answers nothing that was asked and waits for an answer",
        "say the question too; answers is its id on provincial.events (docs/emitters.md shows how it is computed)",
    ),
    "answered-by-another": Note(
        "transitions", "another agency answered than the one that was asked", "name the agency that was asked"
    ),
    "agency-unnamed": Note("transitions", "an obstacle of an agency that is not named", "say agency"),
    "forwarded-by-another": Note("transitions", "handed on by a unit that had it not", _UNIT_IN_CHARGE),
    "acknowledged-by-another": Note("transitions", "acknowledged by a unit that had it not", _UNIT_IN_CHARGE),
    "returned-by-another": Note("transitions", "given back by a unit that had it not", _UNIT_IN_CHARGE),
    "acknowledged-again": Note("transitions", "acknowledged a second time", "say it once for each hand-over"),
    "extended-twice": Note(
        "transitions", "extended a second time: does not count", "a dossier's time is extended once, before it is due"
    ),
    "corrects-nothing": Note(
        "transitions", "it voids a fact that the dossier has not", "voids is the fact's id on provincial.events"
    ),
    "corrects-correction": Note("transitions", "it voids a void: does not count", "say the fact anew under another id"),
    "voided-before": Note("transitions", "it voids what was voided before", "void a fact once"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Example:
    """One event: where it stands, whose it is, and what is to be seen there."""

    place: Place
    id: str | None
    case: str | None
    detail: str


@dataclass(slots=True)
class Finding:
    """What is alike: the rule and the field, how often, how bad, the first of them, and what to do."""

    subject: Subject
    rule: str
    field: str | None
    level: Level
    says: str
    way_out: str
    count: int = 0
    examples: list[Example] = made(default_factory=list)


@dataclass(slots=True)
class Findings:
    """Collected one by one. There are as many as there are rules and fields of schemas, however long the recording."""

    _found: dict[tuple[str, str | None], Finding] = made(default_factory=dict)

    def refused(self, why: Refused, example: Example) -> None:
        """The gateway would refuse it."""
        where = ".".join(part for part in why.field.split(".") if not part.isdigit()) if why.field else None
        key = why.rule, where
        if key not in self._found:
            subject = OF_REFUSALS.get(why.rule, "schema")
            self._found[key] = Finding(subject, why.rule, where, "rejected", why.detail, why.way_out or "")
        self._count(key, example)

    def noted(self, rule: str, example: Example) -> None:
        """The gateway would take it in."""
        if (rule, None) not in self._found:
            subject, says, way_out = NOTES[rule]
            self._found[rule, None] = Finding(subject, rule, None, "tolerated", says, way_out)
        self._count((rule, None), example)

    def _count(self, key: tuple[str, str | None], example: Example) -> None:
        found = self._found[key]
        found.count += 1
        if len(found.examples) < SHOWN:
            found.examples.append(example)

    @property
    def level(self) -> Level:
        """The worst of them."""
        levels = {one.level for one in self._found.values()}
        return "rejected" if "rejected" in levels else "tolerated" if levels else "clean"

    def all(self) -> list[Finding]:
        """The worst first, then as the subjects stand, the most frequent first."""
        return sorted(
            self._found.values(),
            key=lambda one: (
                one.level != "rejected",
                SUBJECTS.index(one.subject),
                -one.count,
                one.rule,
                one.field or "",
            ),
        )
