"""How far a dossier has come: received or not, who has it, which questions are open. Pure, and without a calendar.

Two things are asked of it: which of several events of one instant can come next (`order`), and what cannot be
in the course of a dossier (`events.gateway.sequence_check`). It names what is wrong as the judge of sla does.
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, Final, NamedTuple

from events.contracts.ranks import RANKS


class Act(NamedTuple):
    """What an event does to a dossier, as far as its progress goes.

    `unit` is who acts, `other` who gets the dossier or is at fault, `answers` the id of the question.
    """

    id: str
    kind: str
    unit: str | None = None
    other: str | None = None
    answers: str | None = None


UNITS: Final[Mapping[str, tuple[str, str | None]]] = {
    "ApplicationReceived": ("counter", None),
    "DossierForwarded": ("from_unit", "to_unit"),
    "DossierAcknowledged": ("unit", None),
    "DossierReturned": ("from_unit", None),
    "AgencyReferred": ("agency", None),
    "AgencyReplied": ("agency", None),
    "WorkObstructed": ("agency", "fault"),
}
"""The fields of an event that `unit` and `other` of its act are taken from."""
ANSWERING: Final = frozenset({"SupplementReceived", "CustomerActionCompleted", "AgencyReplied", "WorkResumed"})
"""The event types that name the question that they answer."""


def act_of(id: str, event: Any) -> Act:
    """The act of an event; None, an event of a type that this version does not know, has no kind."""
    if event is None:
        return Act(id, "")
    kind = type(event).__name__
    unit, other = UNITS.get(kind, (None, None))
    return Act(
        id,
        kind,
        getattr(event, unit) if unit else None,
        getattr(event, other) if other else None,
        event.answers if kind in ANSWERING else None,
    )


class Objection(NamedTuple):
    """Why an act does not fit the progress. An `idle` one moves nothing; another moves the dossier all the same."""

    rule: str
    detail: str
    idle: bool


class Fit(IntEnum):
    """How well an act fits as the next one of a dossier; the lower comes first."""

    WELL = 0
    BADLY = 1
    """It moves the dossier, but another unit acts than the one in charge, or the result is collected unreleased."""
    IDLE = 2
    """It moves nothing."""


_BY_ANOTHER: Final = ("forwarded-by-another", "returned-by-another")


class Referral:
    """A question to an agency; a reply names the question or else the agency alone."""

    __slots__ = ("agency", "id", "replied")

    def __init__(self, id: str, agency: str | None) -> None:
        self.id, self.agency, self.replied = id, agency, False


class Progress:
    """The progress of one dossier. `objection` asks and changes nothing; `take` changes it."""

    __slots__ = (
        "acknowledged", "closed", "cycles", "extended", "obstacles", "receiver", "referrals", "released", "running",
        "unit", "waiting",
    )  # fmt: skip

    def __init__(self) -> None:
        self.cycles = 0
        self.receiver: str | None = None
        self.unit: str | None = None
        self.running = self.released = self.closed = self.acknowledged = self.extended = False
        self.waiting: set[str] = set()
        self.obstacles: set[str] = set()
        """The company's own obstacles: they stop no clock, but may be resumed."""
        self.referrals: list[Referral] = []

    def objection(self, act: Act) -> Objection | None:
        """Why the act does not fit; None where it fits."""
        rule = _RULES.get(act.kind)
        return None if rule is None else rule.objection(self, act)

    def fit(self, act: Act) -> Fit:
        """How well the act fits as the next one.

        A type that only tells how far a dossier has come fits once it is received; what is not of its life is idle.
        """
        rule = _RULES.get(act.kind)
        if rule is None:
            return Fit.WELL if self.cycles and act.kind in RANKS else Fit.IDLE
        objection = rule.objection(self, act)
        if objection is None:
            return Fit.BADLY if act.kind == "CaseClosed" and self.running else Fit.WELL
        return Fit.IDLE if objection.idle else Fit.BADLY if objection.rule in _BY_ANOTHER else Fit.WELL

    def take(self, act: Act) -> bool:
        """The act happened; returns whether that changed anything."""
        rule = _RULES.get(act.kind)
        if rule is None or self.fit(act) is Fit.IDLE:
            return False
        rule.take(self, act)
        return True

    # -- what does not fit ----------------------------------------------------------------------------

    def _not_running(self, _: Act) -> Objection | None:
        if self.running:
            return None
        return Objection("after-end" if self.cycles else "before-receipt", "", True)

    def _received_before(self, _: Act) -> Objection | None:
        return Objection("received-again", "", True) if self.cycles else None

    def _not_ended(self, _: Act) -> Objection | None:
        if self.running:
            return Objection("reopened-while-open", "", True)
        return None if self.cycles else Objection("before-receipt", "", True)

    def _collected(self, _: Act) -> Objection | None:
        if self.running or (self.released and not self.closed):
            return None
        return Objection("after-end" if self.cycles else "before-receipt", "", True)

    def _unrated(self, _: Act) -> Objection | None:
        return None if self.cycles else Objection("before-receipt", "", True)

    def _extended_before(self, act: Act) -> Objection | None:
        return Objection("extended-twice", "", True) if self.running and self.extended else self._not_running(act)

    def _handed_by_another(self, act: Act) -> Objection | None:
        if self.running and act.unit != self.unit:
            return Objection("forwarded-by-another", self.unit or "", False)
        return self._not_running(act)

    def _returned_by_another(self, act: Act) -> Objection | None:
        if self.running and act.unit != self.unit:
            return Objection("returned-by-another", self.unit or "", False)
        return self._not_running(act)

    def _not_the_receiver(self, act: Act) -> Objection | None:
        if self.running and act.unit != self.unit:
            return Objection("acknowledged-by-another", self.unit or "", True)
        return (
            Objection("acknowledged-again", "", True) if self.running and self.acknowledged else self._not_running(act)
        )

    def _unasked(self, act: Act) -> Objection | None:
        if self.running and act.answers not in self.waiting:
            return Objection("answers-nothing", act.answers or "", True)
        return self._not_running(act)

    def _nothing_to_resume(self, act: Act) -> Objection | None:
        return None if self.running and act.answers in self.obstacles else self._unasked(act)

    def _unreferred(self, act: Act) -> Objection | None:
        if not self.running:
            return self._not_running(act)
        referral = self._referral(act)
        if referral is None:
            return Objection("answers-nothing", act.answers or act.unit or "", True)
        another = referral.agency != act.unit
        return Objection("answered-by-another", referral.agency or "", False) if another else None

    def _agency_unnamed(self, act: Act) -> Objection | None:
        if self.running and act.other == "agency" and act.unit is None:
            return Objection("agency-unnamed", "", False)
        return self._not_running(act)

    def _referral(self, act: Act) -> Referral | None:
        """The open one that a reply names, or else the oldest open one of its agency."""
        for one in self.referrals:
            named = one.id == act.answers if act.answers is not None else one.agency == act.unit
            if named and not one.replied:
                return one
        return None

    # -- what happens -----------------------------------------------------------------------------------

    def _receive(self, act: Act) -> None:
        self.receiver = act.unit
        self._open(act)

    def _open(self, _: Act) -> None:
        self.cycles += 1
        self.unit = self.receiver
        self.running = True
        self.released = self.closed = self.acknowledged = self.extended = False
        self.waiting, self.obstacles, self.referrals = set(), set(), []

    def _hand_over(self, act: Act) -> None:
        self.unit, self.acknowledged = act.other, False

    def _acknowledge(self, _: Act) -> None:
        self.acknowledged = True

    def _ask(self, act: Act) -> None:
        self.waiting.add(act.id)

    def _answer(self, act: Act) -> None:
        self.waiting.discard(act.answers or "")

    def _refer(self, act: Act) -> None:
        self.referrals.append(Referral(act.id, act.unit))
        self._ask(act)

    def _reply(self, act: Act) -> None:
        referral = self._referral(act)
        if referral is not None:
            referral.replied = True
            self.waiting.discard(referral.id)

    def _obstruct(self, act: Act) -> None:
        (self.obstacles if act.other == "utility" else self.waiting).add(act.id)

    def _resume(self, act: Act) -> None:
        self.obstacles.discard(act.answers or "")
        self._answer(act)

    def _extend(self, _: Act) -> None:
        self.extended = True

    def _release(self, _: Act) -> None:
        self.running, self.released = False, True

    def _close(self, _: Act) -> None:
        self.running, self.closed = False, True

    def _end(self, _: Act) -> None:
        self.running = False

    def _rate(self, _: Act) -> None:
        """A rating changes nothing that another event depends on."""


class _Rule(NamedTuple):
    objection: Callable[[Progress, Act], Objection | None]
    take: Callable[[Progress, Act], None]


_RULES: Final[Mapping[str, _Rule]] = {
    "ApplicationReceived": _Rule(Progress._received_before, Progress._receive),
    "CaseReopened": _Rule(Progress._not_ended, Progress._open),
    "SupplementRequested": _Rule(Progress._not_running, Progress._ask),
    "SupplementReceived": _Rule(Progress._unasked, Progress._answer),
    "CustomerActionRequested": _Rule(Progress._not_running, Progress._ask),
    "CustomerActionCompleted": _Rule(Progress._unasked, Progress._answer),
    "AgencyReferred": _Rule(Progress._not_running, Progress._refer),
    "AgencyReplied": _Rule(Progress._unreferred, Progress._reply),
    "WorkObstructed": _Rule(Progress._agency_unnamed, Progress._obstruct),
    "WorkResumed": _Rule(Progress._nothing_to_resume, Progress._resume),
    "DossierForwarded": _Rule(Progress._handed_by_another, Progress._hand_over),
    "DossierAcknowledged": _Rule(Progress._not_the_receiver, Progress._acknowledge),
    "DeadlineExtended": _Rule(Progress._extended_before, Progress._extend),
    "DossierReturned": _Rule(Progress._returned_by_another, Progress._release),
    "CaseClosed": _Rule(Progress._collected, Progress._close),
    "ApplicationRefused": _Rule(Progress._not_running, Progress._end),
    "ApplicationWithdrawn": _Rule(Progress._not_running, Progress._end),
    "ProcessingStopped": _Rule(Progress._not_running, Progress._end),
    "CustomerRated": _Rule(Progress._unrated, Progress._rate),
}
"""What each event type needs and does. The others only tell how far a dossier has come."""
