"""Sealed periods, what was restated of them, and remedial actions."""

from datetime import date, datetime
from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from events.contracts.terms import CaseId, UnitKind
from events.http.answers import Answer, about
from sla.answers.cases import CASE, Text, UnitName
from sla.answers.record import RecordDocument, Span

SEAL = "2017-07-01-2017-08-01"
Hash = Annotated[str, about("SHA-256 of the document as it is kept, in hexadecimal digits.", "0" * 64)]


class SealSaid(Answer):
    """A period that was sealed. The rest is there when it was done by this request or key."""

    seal: NotRequired[Annotated[str, about("The sealed period.", SEAL)]]
    hash: NotRequired[Hash]


class SealAbout(Span):
    """A sealed period."""

    id: Annotated[str, about("Its name in addresses.", SEAL)]
    sealed_at: Annotated[datetime, about("When it was sealed.")]
    actor: Annotated[str, about("Who sealed it.", "leader-onedoor-01")]
    hash: Hash


class SealListed(SealAbout):
    """A sealed period, and how often it was restated."""

    restatements: Annotated[int, about("How often.", 0)]


class Seals(TypedDict):
    """Every sealed period."""

    seals: Annotated[list[SealListed], about("The earliest first.")]


class Restated(TypedDict):
    """A figure that is no longer what it was."""

    kind: Annotated[str, about("The kind of line, or of figure.", "counter")]
    line: Annotated[str, about("The line.", "PAC-193")]
    column: Annotated[str, about("The column.", "overdue")]
    was: Annotated[int, about("The figure before: a number of dossiers or stays, or seconds.", 1)]
    now: Annotated[int, about("The figure now.", 2)]
    cases: Annotated[list[CaseId], about("The dossiers that make the difference.")]
    name: Annotated[Text, about("What the figure is called.")]


class Restatement(TypedDict):
    """What of a sealed period is no longer so."""

    number: Annotated[int, about("1, 2, … within the period.", 1)]
    restated_at: Annotated[datetime, about("When it was said.")]
    because: Annotated[str | None, about("The event that it follows from.", f"case-{CASE}@7")]
    differences: Annotated[list[Restated], about("Figure by figure, against what was last said.")]
    cases: Annotated[list[CaseId] | None, about("Every dossier that differs; null in the oldest.")]
    hash: Hash


class Seal(SealAbout):
    """A record as it was signed, and what was restated of it since."""

    restatements: Annotated[list[Restatement], about("The oldest first.")]
    record: Annotated[RecordDocument, about("The record, as it was signed.")]
    opens: Annotated[str, about("Where its numbers open to what they count.", f"/record/seals/{SEAL}/items?")]


class Remedy(Span):
    """A remedial action of a unit that passed a threshold in a sealed period."""

    id: Annotated[str, about("Its name in addresses.", f"DL-193-{SEAL}")]
    unit: UnitName
    kind: Annotated[UnitKind, about("What the unit is.")]
    why: Annotated[str, about("The threshold that was passed, as a word.", "overdue-share")]
    solved: Annotated[int, about("Solved with a result in the period.", 20)]
    overdue: Annotated[int, about("How many of them overdue.", 3)]
    due: Annotated[date, about("By when something has to have been done: a local date.")]
    opened_at: Annotated[datetime, about("When it was opened.")]
    closed_at: Annotated[datetime | None, about("When it was closed.")]
    outcome: Annotated[str | None, about("What was done, as a word of the catalogue.", "staff-trained")]
    evidence: Annotated[str | None, about("Where that is written down.", "minutes/2017-08-15")]
    why_name: Annotated[Text, about("The threshold in words.")]
    outcome_name: Annotated[Text | None, about("The outcome in words.")]


class Remedies(TypedDict):
    """Remedial actions."""

    remedies: Annotated[list[Remedy], about("The oldest first.")]
