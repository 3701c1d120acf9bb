"""How a dossier of each kind goes from hand to hand: contracts, low voltage, medium voltage. Writes with Hands."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from local.demo import proportions as share
from local.demo.hands import HOUR, Hands
from local.demo.script import local_day

DAY = 8 * HOUR  # working seconds of a working day

# Hours that a step takes: shortest, longest, usual. Its limits are in deploy/catalogue/processes.yaml.
TAKES = {"assign": (0.3, 3.8, 1.2), "install": (1.5, 11.5, 5.0), "close": (0.3, 3.6, 1.0), "draft": (1.0, 11.0, 4.0)}
MV_SHARES = {"assign": 0.07, "survey": 0.15, "agreement": 0.08, "check": 0.22, "energise": 0.27, "contract": 0.21}

Aim = Literal["in time", "last day", "late"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What a dossier is to meet. `pace` below 1 is a second try after a first one came too late."""

    traits: frozenset[str]
    district: str
    aim: Aim
    pace: float = 1.0
    days: float = 0.0  # medium voltage: the utility days to take


def contract(hands: Hands, way: Way) -> None:
    """One department drafts and closes."""
    (draft,) = _lengths(hands, way, ("draft",))
    unit = way.district
    if _first_step(hands, way, unit, draft):
        _complete(hands, unit)
        _collect(hands, way)


def low_voltage(hands: Hands, way: Way) -> None:
    """The district's department assigns, its works team installs, the department closes."""
    assign, install, close = _lengths(hands, way, ("assign", "install", "close"))
    unit, team = way.district, f"TC-{way.district[3:]}"
    first = _first_step(hands, way, unit, assign)
    if first is None:
        return
    hands.complete(first)
    if not _site(hands, way, team, install):
        return
    _step(hands, unit, close)
    _complete(hands, unit)
    _collect(hands, way)


def medium_voltage(hands: Hands, way: Way) -> None:
    """Two phases of the utility with the customer's own works between them."""
    assert hands.received is not None
    morning = hands.calendar.opening_of(hands.calendar.nth_working_day(local_day(hands.received), 1))
    uncounted = hands.calendar.working_seconds(hands.received, morning)
    total = way.days * DAY + uncounted
    jitter = {step: part * hands.chance.uniform(0.8, 1.2) for step, part in MV_SHARES.items()}
    takes = {step: total * part / sum(jitter.values()) for step, part in jitter.items()}
    _first_step(hands, way, "PCQN-KD", takes["assign"])
    hands.complete("PCQN-KD")
    _site(hands, Way(traits=frozenset(), district=way.district, aim=way.aim), "KS-22", takes["survey"])
    _step(hands, "PCQN-KT", takes["agreement"] / 2)
    if way.traits & {"asks-agency", "asks-two-agencies"}:
        _ask_agencies(hands, way, "PCQN-KT")
    hands.work(takes["agreement"] / 2)
    hands.complete("PCQN-KT")
    hands.paused()
    longest = 9 if "first" in way.traits else 42
    hands.work(hands.chance.triangular(4, longest, min(12, longest - 1)) * DAY)
    hands.on_the_way("customer-action-completion", f"receptionist.{hands.counter}")
    hands.resumed()
    _step(hands, "PCQN-KT", takes["check"] / 2)
    checker = "PCQN-KT"
    if hands.chance.random() < 0.3 or "first" in way.traits:  # an outage must be scheduled: dispatch takes the step
        hands.on_the_way("forward", "officer.PCQN-KT", to_unit="PCQN-DD")
        checker = "PCQN-DD"
    hands.work(takes["check"] / 2)
    hands.complete(checker)
    _site(hands, way, "TC-22", takes["energise"])
    _step(hands, "PCQN-KD", takes["contract"])
    _complete(hands, "PCQN-KD")
    _collect(hands, way)


def _lengths(hands: Hands, way: Way, steps: tuple[str, ...]) -> list[float]:
    """How long each step takes: as usual, or stretched to the last day or beyond it; cut to end before the last day."""
    assert hands.received is not None
    usual = [hands.chance.triangular(*TAKES[step]) * HOUR for step in steps]
    available = hands.calendar.working_seconds(hands.received, hands.due())
    total = min(sum(usual), available - DAY - HOUR)
    if way.aim == "last day":
        total = available - hands.spread(0.4, 6.5)
    elif way.aim == "late":
        total = available + hands.spread(1.5, 18)
    total *= way.pace
    return [length * total / sum(usual) for length in usual]


# -- steps -------------------------------------------------------------------------------------


def _step(hands: Hands, unit: str, seconds: float) -> None:
    """A unit works on its step; most say first that they have it."""
    if hands.chance.random() < share.ACKNOWLEDGED:
        first = min(hands.chance.uniform(3, 110) * 60, seconds * 0.6)
        hands.work(first)
        hands.acknowledge(unit)
        seconds -= first
    hands.work(seconds)


def _first_step(hands: Hands, way: Way, unit: str, seconds: float) -> str | None:
    """The first unit's step, with whatever the papers bring: who is to complete it; None when the case ends in it."""
    _step(hands, unit, seconds / 2)
    if way.traits & {"supplement", "second-supplement", "stopped"}:
        _supplement(hands, "identity", "unreadable")
        if "stopped" in way.traits:
            hands.work(hands.chance.uniform(14, 20) * DAY)
            hands.at_counter("stop", "stop", leader=True, reason="no-supplement")
            return None
        _supplied(hands)
    if "second-supplement" in way.traits:
        hands.work(seconds / 8)
        _supplement(hands, "request-form", "not-matching", leader=True)
        _supplied(hands)
    if "refused" in way.traits:
        hands.at_counter("refusal", "refusal", reason=hands.chance.choice(["outside-area", "existing-debt"]))
        return None
    if "withdrawn" in way.traits:
        reasons = ["customer-request", "changed-plans", "applied-twice"]
        hands.at_counter("withdrawal", "withdrawal", reason=hands.chance.choice(reasons))
        return None
    if hands.service.code == "LV-POLE":
        if way.traits & {"asks-agency", "asks-two-agencies"}:
            _ask_agencies(hands, way, unit)
        if hands.chance.random() < 0.4 or "asks-agency" in way.traits:  # the pole's place must be seen first
            hands.on_the_way("forward", f"officer.{unit}", to_unit=f"KS-{unit[3:]}")
            unit = f"KS-{unit[3:]}"
    hands.work(seconds / 2)
    return unit


def _supplement(hands: Hands, document: str, wrong: str, *, leader: bool = False) -> None:
    gaps = [{"document": document, "wrong": wrong}]
    hands.at_counter("supplement-request", "supplement-request", leader=leader, gaps=gaps)
    hands.paused()


def _supplied(hands: Hands) -> None:
    hands.work(hands.chance.triangular(0.5, 6, 1.5) * DAY)
    hands.at_counter("supplement", "supplement")
    hands.resumed()


def _ask_agencies(hands: Hands, way: Way, unit: str) -> None:
    """One question to an agency, or two at once; the dossier waits for the last answer."""
    officer = f"officer.{unit}"
    questions = [(f"UBND-{way.district[3:]}", hands.chance.choice(["corridor-overhead", "road-trench"]))]
    if "asks-two-agencies" in way.traits:
        questions.append(("QN-SXD", "substation-position"))
    for agency, matter in questions:
        hands.on_the_way("referral", officer, agency=agency, matter=matter)
    hands.paused()
    limit = 5 if questions[0][1] == "corridor-overhead" else 10
    late = "agency-late" in way.traits
    hands.work((limit + hands.chance.uniform(1, 4) if late else hands.chance.uniform(1.2, limit - 1)) * DAY)
    for agency, _ in reversed(questions):
        outcome = hands.chance.choices(["agreed", "no-objection"], [4, 1])[0]
        hands.on_the_way("agency-reply", officer, agency=agency, outcome=outcome)
        hands.work(120)
    hands.resumed()


# -- on site -----------------------------------------------------------------------------------


def _site(hands: Hands, way: Way, team: str, seconds: float) -> bool:
    """A team agrees on a visit, comes, works and hands over; False when the customer withdraws meanwhile."""
    missed = way.traits & {"missed-by-customer", "missed-by-utility"}
    hands.work(seconds * 0.1)
    if hands.chance.random() < share.ACKNOWLEDGED / 2:
        hands.say(team, "NHAN")
    if missed or "withdrawn-on-site" in way.traits or hands.chance.random() < share.VISIT_AGREED:
        _agree(hands, team, seconds * 0.3)
    if "withdrawn-on-site" in way.traits:
        hands.work(seconds * 0.2)
        hands.at_counter("withdrawal", "withdrawal", reason="changed-plans")
        return False
    hands.work(seconds * 0.3)
    if missed:
        hands.work(HOUR / 3)
        fault = "customer" if "missed-by-customer" in missed else "utility"
        reason = "customer-absent" if fault == "customer" else "team-delayed"
        hands.on_site("visit-missed", team, fault=fault, reason=reason)
        _agree(hands, team, seconds * 0.1)
        hands.work(seconds * 0.1)
    hands.on_site("start", team)
    if way.traits & {"late-with-apology", "extended-but-kept"}:
        hands.work(seconds * 0.05)
        last = hands.calendar.nth_working_day(local_day(hands.due()), hands.chance.randint(3, 6))
        hands.at_counter(
            "extension", "extension", leader=True, appointment=hands.calendar.closing_of(last).isoformat(),
            reason=hands.chance.choice(["bad-weather", "materials-late", "outage-schedule"]),
        )  # fmt: skip
    for trait, body in OBSTACLES.items():
        if trait in way.traits:
            _obstacle(hands, way, team, trait.rpartition("-")[2], body)
    hands.work(seconds * (0.5 if missed else 0.6))
    hands.on_site("completion", team, evidence=[{"reference": "evidence/{case}.jpg"}], handed_over=True)
    return True


OBSTACLES = {
    "obstacle-customer": ("customer-absent", "place-not-ready", "customer-wiring"),
    "obstacle-agency": ("trench-permit", "land-dispute"),
    "obstacle-utility": ("bad-weather", "materials-late", "outage-schedule"),
}


def _agree(hands: Hands, team: str, seconds: float) -> None:
    """A time on site, half an hour wide, some working time from now."""
    hands.turn_to("field")
    starts = hands.calendar.add_working_seconds(hands.now, int(seconds)).replace(second=0, microsecond=0)
    ends = starts + timedelta(minutes=30)
    hands.on_site("visit", team, starts=starts.isoformat(), ends=ends.isoformat())


def _obstacle(hands: Hands, way: Way, team: str, fault: str, reasons: tuple[str, ...]) -> None:
    hands.work(HOUR / 2)
    reason = hands.chance.choice(reasons)
    named = {"agency": f"UBND-{way.district[3:]}"} if fault == "agency" else {}
    hands.on_site("obstacle", team, fault=fault, reason=reason, **named)
    if fault == "utility":
        hands.work(hands.spread(1, 4))
        hands.on_site("resumption", team)
        return
    hands.paused()
    hands.work(hands.chance.uniform(0.5, 5) * DAY)
    hands.on_site("resumption", team)
    hands.resumed()


# -- the end -----------------------------------------------------------------------------------


def _complete(hands: Hands, unit: str) -> None:
    """The last step: the dossier goes back to the counter by itself."""
    hands.complete(unit)
    if hands.released is None:
        hands.released = hands.now


def _collect(hands: Hands, way: Way) -> None:
    """The customer comes for the result, and may give a mark; one in a few hundred comes back."""
    again = "reopened" in way.traits
    if hands.chance.random() < share.NEVER_COLLECTED and not again:
        return
    hands.work(hands.chance.triangular(0.2, 20, 2) * HOUR)
    hands.at_counter("close", "close")
    if hands.chance.random() < share.RATED:
        stars = hands.chance.choices(list(share.STARS), list(share.STARS.values()))[0]
        hands.at_counter("rating", "rating", stars=stars)
    if again:
        hands.work(hands.spread(8, 40))
        reason = hands.chance.choice(["work-incomplete", "result-wrong"])
        hands.at_counter("reopening", "reopening", leader=True, reason=reason)
        rest = Way(traits=frozenset(), district=way.district, aim="in time")
        hands.work(HOUR / 2)
        (contract if hands.service.process == "CONTRACT" else low_voltage)(hands, rest)
