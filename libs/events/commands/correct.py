"""What is decided about corrections, alike for every service that says facts about cases. Pure.

It decides on the bare facts of a stream, corrections among them, and needs no service's state.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar, assert_never

from events.actor import Actor
from events.commands.amend import CORRECTIONS, EARLIEST, Amended, amend, corrected, fields_of, shown
from events.commands.decider import Decider
from events.contracts.catalogue import Fact, name_of
from events.contracts.corrections import FactCorrected, FactVoided
from events.errors import Conflict, Forbidden, NotFound, Refused, Unreadable
from events.store.envelope import Said

Past = tuple[Said, ...]
S = TypeVar("S")


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


@dataclass(frozen=True)  # generic, frozen and slotted crashes on Python 3.11
class Stream(Generic[S]):
    """What a service knows of its streams, and a correction must keep.

    `follows`: whether a fact follows from the state before it. `founds`: all later facts rest on such a fact. `turns`:
    what begins or ends a cycle.
    """

    decider: Decider[Any, S]
    follows: Callable[[S, Said], bool]
    founds: Callable[[Fact], bool]
    turns: tuple[type[Any], ...] = ()

    def out_of_place(self, standing: Sequence[Said]) -> list[Said]:
        """What does not follow from the facts before it, these taken in the order in which they happened."""
        state, found = self.decider.initial, []
        for said in in_order(standing):
            if not self.follows(state, said):
                found.append(said)
            state = self.decider.evolve(state, said)
        return found

    def displaced(self, standing: Sequence[Said], after: Said) -> list[Said]:
        """What a corrected fact would put out of place, itself or others; not what was so before."""
        before = {one.id for one in self.out_of_place(standing)}
        return [one for one in self.out_of_place(_with(after, standing)) if one.id not in before]


def _with(after: Said, standing: Sequence[Said]) -> list[Said]:
    return [after if one.id == after.id else one for one in standing]


def in_order(standing: Sequence[Said]) -> list[Said]:
    """Facts of one stream as they happened; those of one instant as they were said."""
    return sorted(standing, key=lambda one: one.at or EARLIEST)


def decide(stream: Stream[Any], command: Command, past: Past) -> Sequence[Fact]:
    """The correction, or Refused. The same command of the same actor again gives [].

    What `founds`, and the first fact of a stream, may be corrected, never voided. Of the `turns` only the last that
    stands can be voided: others count on the earlier ones. A corrected time or answer leaves every fact where it
    follows from those before it.
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
            if about.id == past[0].id or stream.founds(about.fact):
                raise Conflict(
                    "founding-fact", f"everything after rests on {about.id}", field="fact",
                    way_out="correct its fields; a dossier that should not be is refused, withdrawn or stopped",
                )  # fmt: skip
            after = {one.id for one in past[past.index(about) + 1 :]}
            later = [one.id for one in amended.facts if one.id in after and isinstance(one.fact, stream.turns)]
            if later and isinstance(about.fact, stream.turns):
                raise Conflict(
                    "turned-since", f"{later[-1]} came after {about.id} and counts on it", field="fact",
                    way_out=f"void {later[-1]} first, if it is wrong too",
                )  # fmt: skip
            return [fact]
        case Correct():
            return _correct(stream, command, about, void, past, amended)
        case _:
            assert_never(command)


def _correct(
    stream: Stream[Any], command: Correct, about: Said, void: Said | None, past: Past, amended: Amended
) -> Sequence[Fact]:
    _not_voided(void)
    if command.field != "at" and command.field not in (known := fields_of(about.fact)):
        raise Refused(
            "no-such-field", f"{name_of(about.fact)[0]} has no field {command.field} that could be corrected",
            field="field", way_out=f"one of: {', '.join(['at', *known])}",
        )  # fmt: skip
    stands = next(one for one in amended.facts if one.id == about.id)
    try:
        after = corrected(stands, command.field, command.value)
    except Unreadable as unfit:
        _anothers(command, about)
        raise Refused(
            "value-does-not-fit", str(unfit), field="value", way_out="write it as in the fact that you correct"
        ) from unfit
    fact = FactCorrected(
        case_id=command.case_id, corrects=about.id, kind=name_of(about.fact)[0], field=command.field,
        value=shown(after, command.field), reason=command.reason, leader=command.by.id,
    )  # fmt: skip
    before = [one for one in amended.amendments if (one.about.id, one.field) == (about.id, command.field)]
    if before and (before[-1].by.fact, before[-1].by.by) == (fact, command.by.id):
        return []
    _anothers(command, about)
    if after == stands:
        raise Conflict(
            "nothing-to-correct", f"{command.field} of {about.id} is {command.value}", field="value",
            way_out="give the value that it should have",
        )  # fmt: skip
    if command.field == "answers":
        _answers(stream, after, _before(about, past, amended), amended.facts)
    if command.field == "at":
        _happened(stream, after, command.now, amended.facts)
    return [fact]


def _answers(stream: Stream[Any], after: Said, before: Sequence[str], standing: Sequence[Said]) -> None:
    """A corrected answer answers a question that was said before it and stood open when it came."""
    open_ones = [one for one in before if _takes(stream, standing, corrected(after, "answers", one))]
    if after.fact.answers not in open_ones:
        raise Refused(
            "answers-nothing", f"{after.fact.answers} is no question that {after.id} could answer", field="value",
            way_out=f"one of: {', '.join(open_ones)}" if open_ones else "void what answers it now, then correct this",
        )  # fmt: skip


def _takes(stream: Stream[Any], standing: Sequence[Said], answer: Said) -> bool:
    """Whether the answer fits, and what fitted before fits still."""
    fits = answer not in stream.out_of_place(_with(answer, standing))
    return fits and not stream.displaced(standing, answer)


def _happened(stream: Stream[Any], after: Said, now: datetime, standing: Sequence[Said]) -> None:
    """A corrected time is not after now, and not past anything that this fact follows from or that follows from it."""
    if after.at is None:
        return
    if after.at > now:
        raise Refused(
            "time-in-future", f"{after.at.isoformat()} is after now ({now.isoformat()})",
            field="value", way_out="give the time at which it happened",
        )  # fmt: skip
    if displaced := stream.displaced(standing, after):
        others = in_order(standing)
        place = next(number for number, one in enumerate(others) if one.id == after.id)
        earliest = f"from {shown(others[place - 1], 'at')} " if place else ""
        latest = shown(others[place + 1], "at") if place + 1 < len(others) else now.isoformat()
        raise Refused(
            "out-of-order", f"{after.id} at {after.at.isoformat()} would be on the wrong side of what it follows from, "
            f"or of what follows from it: {', '.join(one.id for one in displaced)} would fit nothing",
            field="value", way_out=f"give a time {earliest}to {latest}, or correct first what stands in the way",
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


def correcting(
    decider: Decider[Any, S],
    follows: Callable[[S, Said], bool],
    *,
    founds: Callable[[Fact], bool],
    turns: tuple[type[Any], ...] = (),
) -> Decider[Command, Past]:
    """The decider of corrections on the streams of the decider that says their other facts, beside it."""
    return Decider(
        category=decider.category,
        initial=(),
        decide=partial(decide, Stream(decider, follows, founds, turns)),
        evolve=lambda past, said: (*past, said),
        bare=True,
    )
