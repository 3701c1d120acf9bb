"""What is decided about corrections, alike for every service that says facts about cases. Pure.

It decides on the bare facts of a stream, corrections among them, and needs no service's state.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, assert_never

from events.actor import Actor
from events.amend import CORRECTIONS, Amended, amend, corrected, fields_of
from events.contracts.catalogue import Fact, name_of
from events.contracts.corrections import FactCorrected, FactVoided
from events.decider import Decider
from events.envelope import Said
from events.errors import Conflict, Forbidden, NotFound, Refused, Unreadable

Past = tuple[Said, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Void:
    """What the fact says never happened."""

    case_id: str
    fact: str
    reason: str
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Correct:
    """One field of the fact was wrong; `field` may be `at`. `now` bounds what a corrected time may be."""

    case_id: str
    fact: str
    field: str
    value: str
    reason: str
    now: datetime
    by: Actor


Command = Void | Correct


def decide(
    founds: Callable[[Fact], bool], turns: tuple[type[Any], ...], command: Command, past: Past
) -> Sequence[Fact]:
    """The correction, or Refused. The same command of the same actor again gives [].

    A fact on which all later ones rest (`founds`, and the first of a stream) may be corrected, never voided. Of those
    that begin or end a cycle (`turns`) only the last that stands can be voided: others count on the earlier ones.
    """
    about = _about(command, past)
    amended = amend(past)
    void = next((one.by for one in amended.amendments if one.field is None and one.about.id == about.id), None)
    match command:
        case Void():
            fact = FactVoided(
                case_id=command.case_id, voids=about.id, kind=name_of(about.fact)[0], reason=command.reason,
                leader=command.by.id,
            )  # fmt: skip
            if void is not None and (void.fact, void.by) == (fact, command.by.id):
                return []
            _not_voided(void)
            _anothers(command, about)
            if about.id == past[0].id or founds(about.fact):
                raise Conflict(
                    "founding-fact", f"everything after rests on {about.id}", field="fact",
                    way_out="correct its fields; a dossier that should not be is refused, withdrawn or stopped",
                )  # fmt: skip
            after = {one.id for one in past[past.index(about) + 1 :]}
            later = [one.id for one in amended.facts if one.id in after and isinstance(one.fact, turns)]
            if later and isinstance(about.fact, turns):
                raise Conflict(
                    "turned-since", f"{later[-1]} came after {about.id} and counts on it", field="fact",
                    way_out=f"void {later[-1]} first, if it is wrong too",
                )  # fmt: skip
            return [fact]
        case Correct():
            return _correct(command, about, void, past, amended)
        case _:
            assert_never(command)


def _correct(command: Correct, about: Said, void: Said | None, past: Past, amended: Amended) -> Sequence[Fact]:
    _not_voided(void)
    if command.field != "at" and command.field not in (known := fields_of(about.fact)):
        raise Refused(
            "no-such-field", f"{name_of(about.fact)[0]} has no field {command.field} that could be corrected",
            field="field", way_out=f"one of: {', '.join(['at', *known])}",
        )  # fmt: skip
    fact = FactCorrected(
        case_id=command.case_id, corrects=about.id, kind=name_of(about.fact)[0], field=command.field,
        value=command.value, reason=command.reason, leader=command.by.id,
    )  # fmt: skip
    before = [one for one in amended.amendments if (one.about.id, one.field) == (about.id, command.field)]
    if before and (before[-1].by.fact, before[-1].by.by) == (fact, command.by.id):
        return []
    _anothers(command, about)
    stands = next(one for one in amended.facts if one.id == about.id)
    try:
        after = corrected(stands, command.field, command.value)
    except Unreadable as unfit:
        raise Refused(
            "value-does-not-fit", str(unfit), field="value", way_out="write it as in the fact that you correct"
        ) from unfit
    if after == stands:
        raise Conflict(
            "nothing-to-correct", f"{command.field} of {about.id} is {command.value}", field="value",
            way_out="give the value that it should have",
        )  # fmt: skip
    if command.field == "answers" and command.value not in (known := _before(about, past, amended)):
        raise Refused(
            "answers-nothing", f"{command.value} is no fact of this stream before {about.id}", field="value",
            way_out=f"one of: {', '.join(known)}",
        )  # fmt: skip
    if command.field == "at":
        _happened(after, command.now, past[0].id, amended.facts)
    return [fact]


def _happened(after: Said, now: datetime, first: str, standing: Sequence[Said]) -> None:
    """A corrected time lies between the first fact of the stream and now; the first itself before all others."""
    if after.at is None:
        return
    if after.at > now:
        raise Refused(
            "time-in-future", f"{after.at.isoformat()} is after now ({now.isoformat()})",
            field="value", way_out="give the time at which it happened",
        )  # fmt: skip
    others = [one.at for one in standing if one.at is not None and one.id != after.id]
    begun = next((one.at for one in standing if one.id == first), None)
    if after.id == first and others and after.at > min(others):
        raise Refused(
            "time-after-others", f"the facts that follow happened from {min(others).isoformat()} on",
            field="value", way_out="give an earlier time, or correct those first",
        )  # fmt: skip
    if after.id != first and begun is not None and after.at < begun:
        raise Refused(
            "time-before-receipt", f"{after.at.isoformat()} is before {first} at {begun.isoformat()}",
            field="value", way_out=f"give a time from {begun.isoformat()} on",
        )  # fmt: skip


def _before(about: Said, past: Past, amended: Amended) -> list[str]:
    """What stands of the facts said before one: an answer to a later question would be its own cause."""
    standing = {one.id for one in amended.facts}
    return [one.id for one in past[: past.index(about)] if one.id in standing]


def _about(command: Command, past: Past) -> Said:
    if not past:
        raise NotFound(
            "no-such-dossier", f"nothing was said here of {command.case_id}", field="case_id",
            way_out="check the code on the receipt",
        )  # fmt: skip
    about = next((one for one in past if one.id == command.fact), None)
    if about is None or about.fact is None:
        raise NotFound(
            "no-such-fact", f"{command.fact} is no fact that this service said of {command.case_id}", field="fact",
            way_out="the dossier's `history` lists the ids; the service that said a fact corrects it",
        )  # fmt: skip
    if isinstance(about.fact, CORRECTIONS):
        raise Conflict(
            "is-a-correction", f"{about.id} is itself a correction", field="fact",
            way_out="correct the first fact again: the last correction of a field stands",
        )  # fmt: skip
    return about


def _not_voided(void: Said | None) -> None:
    if void is not None:
        raise Conflict(
            "voided-before", f"{void.id} says that it never happened", field="fact", way_out="nothing more is needed"
        )


def _anothers(command: Command, about: Said) -> None:
    if about.by == command.by.id:
        raise Forbidden(
            "own-fact", f"you said {about.id} yourself", field="fact", way_out="another leader can correct it"
        )


def corrections(
    category: str, founds: Callable[[Fact], bool], turns: tuple[type[Any], ...] = ()
) -> Decider[Command, Past]:
    """The decider of corrections on a category's streams, beside the decider that says their other facts."""
    return Decider(
        category=category,
        initial=(),
        decide=partial(decide, founds, turns),
        evolve=lambda past, said: (*past, said),
        bare=True,
    )
