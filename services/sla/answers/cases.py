"""Cases: cycles, stays, referrals and charges as `sla.judging.rows` has them, explanations, the facts behind them."""

from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired

from typing_extensions import TypedDict

from deadlines.verdict import Class
from events.contracts.terms import CaseId, EventId
from events.http.answers import about
from events.schemas.schemas import ABOUT
from sla.judging.ledger import LedgerClock, LedgerKind
from sla.judging.rows import Act, Clock, Outcome

CASE = "000.00.22.H49-170710-0001"
ROUTE = f"route-{CASE}@2"

CycleNumber = Annotated[int, about("1 for the first run of the dossier; each reopening adds one.", 1)]
UnitName = Annotated[str, about("A unit or agency of the catalogue.", "DL-193")]
Incomplete = Annotated[bool, about("A fact of the dossier is set aside: nothing about it is concluded.")]
ByDate = Annotated[Class | None, about("By the local dates of the end and of due (classifier A).")]
BySession = Annotated[Class | None, about("By the half-day session that holds due (classifier B).")]
By766 = Annotated[
    Class | None, about("By Decision 766, which also classes what ended without a result (classifier C).")
]
ByMinutes = Annotated[Class | None, about("By the processed minutes against the step's limit (classifier D).")]


class Text(TypedDict):
    """The same words in Vietnamese and English."""

    vi: Annotated[str, about("In Vietnamese.", "Đúng hạn")]
    en: Annotated[str, about("In English.", "On time")]


class AsOf(TypedDict, total=False):
    """What an answer to a question with `as_of` bears."""

    as_of: Annotated[datetime, about("The instant up to whose end the answer takes what had been recorded.")]
    final: Annotated[bool, about("Whether nothing recorded by then can still arrive.")]
    standing: Annotated[Literal["final", "provisional"], about("The same as a word.")]


class CycleBase(TypedDict):
    """One run of a dossier from receipt (or reopening) to release. Lengths are whole seconds of working time; the sums
    and the holder of an open cycle stand as of `judged_to`."""

    cycle: CycleNumber
    counter: Annotated[str, about("The counter that took the dossier in.", "PAC-193")]
    organisation: Annotated[str, about("The organisation that the counter belongs to.", "PC-QN")]
    sector: Annotated[str, about("The sector of its service.", "electricity")]
    district: Annotated[str, about("The power unit of its district.", "DL-193")]
    service: Annotated[str | None, about("The version of the service; null: none is named.", "LV-RES-URBAN@2017-07-01")]
    field: Annotated[str | None, about("LV, MV or CONTRACT; null where no service of the catalogue is named.", "LV")]
    channel: Annotated[str, about("How it came in.", "counter")]
    received_at: Annotated[datetime, about("Receipt, or reopening.")]
    determined: Annotated[bool, about("False: there is no promise to judge by.")]
    incomplete: Incomplete
    due_at: Annotated[datetime | None, about("When the promise ends; null while undetermined, or paused before due.")]
    waiting_since: Annotated[datetime | None, about("Begin of the open pause that stops the promise's clock.")]
    pauses_from: Annotated[list[datetime], about("Begin of every pause that began before due.")]
    pauses_to: Annotated[list[datetime], about("Their ends; an open one has none here.")]
    appointment: Annotated[datetime | None, about("What the receipt says, or the apology.")]
    extended_at: Annotated[datetime | None, about("When the one apology that counts was given.")]
    supplements: Annotated[int, about("How often the customer was asked to supplement.", 0)]
    released_at: Annotated[datetime | None, about("When the result was ready.")]
    ended_at: Annotated[datetime | None, about("Release, or the end without result; null while it is open.")]
    outcome: Annotated[Outcome, about("How it ended, or open.")]
    utility_seconds: Annotated[int, about("Working seconds on the company's clock.", 28_800)]
    customer_seconds: Annotated[int, about("Working seconds on the customer's clock.", 0)]
    agency_seconds: Annotated[int, about("Working seconds on agencies' clocks.", 0)]
    not_counted_seconds: Annotated[int, about("The rest of the elapsed time, in seconds.", 57_600)]
    delay_seconds: Annotated[int, about("Working seconds of the company between due and release, or `judged_to`.", 0)]
    unit: Annotated[str, about("The unit in charge; after release the counter.", "DL-193")]
    holder: Annotated[str, about("Whose time runs: the unit in charge, `customer`, or an agency.", "DL-193")]
    holder_clock: Annotated[Clock | None, about("Whose clock runs; null when the cycle has ended.")]
    waiting_for: Annotated[str | None, about("What is waited for while the clock is not the company's.", "supplement")]
    step: Annotated[str, about("The step that the unit in charge is in.", "survey")]
    stars: Annotated[int | None, about("The customer's mark, 1 to 5, the last one given.", 5)]
    closed_at: Annotated[datetime | None, about("When the customer collected the result: outside every clock.")]
    revision: Annotated[int, about("Of the promise: 1, and more for each change of it, over the whole dossier.", 1)]
    judged_to: Annotated[datetime, about("The last fact, or the end of the cycle.")]
    corrections: Annotated[int, about("How many corrections touched this cycle.", 0)]
    acts: Annotated[list[Act], about("What was done that stops, moves, ends or puts right a promise.")]
    acts_at: Annotated[list[datetime], about("When each of them happened.")]


class Cycle(CycleBase):
    """One run of a dossier with its classes. Lengths are whole seconds of working time; the sums and the holder of an
    open cycle stand as of `judged_to`."""

    by_date: ByDate
    by_session: BySession
    by_766: By766


class JudgedCycle(CycleBase):
    """The same as the judge has it: the classes by their classifiers."""

    case_id: CaseId
    class_a: ByDate
    class_b: BySession
    class_c: By766


class Stay(TypedDict):
    """One unit's time in charge, from hand-over in to hand-over out or the end of the cycle."""

    cycle: CycleNumber
    stay: Annotated[int, about("Its number within the cycle.", 1)]
    unit: UnitName
    step: Annotated[str, about("The step that it was handed over for.", "survey")]
    entered_at: Annotated[datetime, about("When it was handed over to the unit.")]
    entered_by: Annotated[str, about("The event that brought it.", ROUTE)]
    determined: Annotated[bool, about("False: the step has no limit.")]
    incomplete: Incomplete
    due_at: Annotated[datetime | None, about("When the step's limit ends.")]
    left_at: Annotated[datetime | None, about("When it left the unit; null while it is there.")]
    by_date: ByDate
    by_session: BySession
    by_minutes: ByMinutes
    acknowledge_due: Annotated[datetime | None, about("By when the unit should have said that it has it.")]
    acknowledged_at: Annotated[datetime | None, about("When it said so.")]
    utility_seconds: Annotated[int, about("Working seconds on the company's clock.", 14_400)]
    overrun_seconds: Annotated[int, about("Working seconds of these after the step's due.", 0)]
    paused_seconds: Annotated[int, about("Working seconds on somebody else's clock meanwhile.", 0)]


class Referral(TypedDict):
    """One question to an agency, on a clock of its own that no pause moves."""

    cycle: CycleNumber
    referral: Annotated[str, about("The event that asked.", f"route-{CASE}@4")]
    agency: Annotated[str, about("The agency that was asked.", "UBND-193")]
    matter: Annotated[str, about("What it was asked about.", "planning")]
    referred_at: Annotated[datetime, about("When it was asked.")]
    determined: Annotated[bool, about("False: the matter has no limit.")]
    incomplete: Incomplete
    due_at: Annotated[datetime | None, about("By when it should reply.")]
    replied_at: Annotated[datetime | None, about("When it replied.")]
    ended_at: Annotated[datetime | None, about("The end of the cycle, when it came before the reply.")]
    reply: Annotated[str | None, about("What it replied.", "agreed")]
    by_date: ByDate
    by_session: BySession
    seconds: Annotated[int, about("Working seconds from the question to reply, end or `judged_to`.", 28_800)]


class Charge(TypedDict):
    """A unit's share of a cycle's delay; the shares of a cycle add up to its delay."""

    case_id: CaseId
    cycle: CycleNumber
    unit: UnitName
    seconds: Annotated[int, about("Working seconds that it is charged with.", 3_600)]


class CaseCycles(TypedDict):
    """A dossier with its cycles."""

    case_id: CaseId
    cycles: Annotated[list[Cycle], about("Every run of it, the first one first.")]


class Cases(AsOf):
    """A page of dossiers."""

    cases: Annotated[list[CaseCycles], about("By code.")]
    next: Annotated[str | None, about("The `after` of the next page; null on the last one.", CASE)]


class Case(CaseCycles, AsOf):
    """One dossier with everything that is concluded about it."""

    stays: Annotated[list[Stay], about("Who had it, in order.")]
    referrals: Annotated[list[Referral], about("Every question to an agency.")]
    charges: Annotated[list[Charge], about("Who is charged with its delay.")]


class OverdueCycle(Cycle):
    """An open cycle past its due instant."""

    case_id: CaseId


class Overdue(AsOf):
    """Open dossiers past their due instant."""

    now: Annotated[datetime, about("The instant at which they are overdue.")]
    overdue: Annotated[list[OverdueCycle], about("The longest overdue first.")]


# -- explained -------------------------------------------------------------------------------------


class LedgerLine(TypedDict):
    """One line of a cycle's ledger. The lines tile it without gap or overlap."""

    start: Annotated[datetime, about("Its begin.")]
    end: Annotated[datetime, about("Its end.")]
    unit: Annotated[str, about("The unit in charge.", "DL-193")]
    holder: Annotated[str, about("Whose time it is: the unit, `customer`, or an agency.", "DL-193")]
    clock: Annotated[LedgerClock, about("Whose clock runs.")]
    kind: Annotated[LedgerKind, about("What kind of time it is.")]
    after_due: Annotated[bool, about("Whether it lies after due.")]
    seconds: Annotated[int, about("Working seconds; of `not counted` seconds of the elapsed time.", 14_400)]
    minutes: Annotated[int, about("The same in whole minutes.", 240)]
    utility_so_far: Annotated[int, about("Working seconds of the company up to the end of the line.", 14_400)]
    because: Annotated[str, about("The event that began it.", ROUTE)]
    text: Annotated[Text, about("The line in words.")]


class Sums(TypedDict):
    """Seconds by clock; they add up to the elapsed time."""

    utility: Annotated[int, about("Working seconds of the company.", 28_800)]
    customer: Annotated[int, about("Working seconds of the customer.", 0)]
    agency: Annotated[int, about("Working seconds of agencies.", 0)]
    not_counted: Annotated[int, about("The rest, in seconds.", 57_600)]


class HeldOverdue(TypedDict):
    """A unit's part in a delay."""

    unit: UnitName
    name: Annotated[Text, about("The unit's name.")]
    charged: Annotated[int, about("Working seconds that it is charged with.", 3_600)]
    overrun: Annotated[int, about("Working seconds by which it overran its own limits.", 3_600)]
    text: Annotated[Text, about("The same in words.")]


class CycleExplained(TypedDict):
    """One cycle explained."""

    row: Annotated[JudgedCycle, about("What is concluded about it.")]
    verdict: Annotated[Text, about("The same in words.")]
    lines: Annotated[list[LedgerLine], about("Its ledger.")]
    to_due: Annotated[Sums, about("The sums up to due.")]
    after_due: Annotated[Sums, about("The sums after due.")]
    why_overdue: Annotated[list[HeldOverdue], about("Who made the delay, the largest share first.")]


class Amendment(TypedDict):
    """A correction that took effect."""

    event: Annotated[EventId, about("The correction.", f"case-{CASE}@7")]
    kind: Annotated[Literal["voided", "corrected", "reclassified"], about("What it did.")]
    about: Annotated[str, about("The fact that it is about.", f"case-{CASE}@1")]
    fact: Annotated[str, about("The name of that fact.", "ApplicationReceived")]
    field: Annotated[str, about("The field that was put right; empty for a void.", "at")]
    was: Annotated[str, about("Its value before.", "2017-07-10T02:00:00Z")]
    now: Annotated[str, about("Its value now.", "2017-07-10T01:00:00Z")]
    reason: Annotated[str, about("Why, as a word of the catalogue.", "mistyped")]
    leader: Annotated[str, about("Who said it.", "leader-onedoor-01")]
    at: Annotated[datetime, about("When it was said.")]
    happened: Annotated[datetime, about("When what it is about happened, as it stands now.")]


class Finding(TypedDict):
    """Something worth a look: a fact that moved nothing, or two sources that disagree."""

    event: Annotated[str, about("The event that it is about.", ROUTE)]
    what: Annotated[str, about("A stable word.", "before receipt")]
    detail: Annotated[str, about("More, where there is.", "")]


class Explained(AsOf):
    """Why a dossier stands where it stands."""

    case_id: CaseId
    cycles: Annotated[list[CycleExplained], about("Every run of it, the first one first.")]
    corrections: Annotated[list[tuple[Amendment, Text]], about("What was put right, each with its words.")]
    findings: Annotated[list[tuple[Finding, Text]], about("What is worth a look, each with its words.")]


# -- the facts behind it ---------------------------------------------------------------------------


class CloudEvent(TypedDict):
    specversion: Annotated[Literal["1.0"], about(ABOUT["specversion"])]
    id: Annotated[str, about(ABOUT["id"], ROUTE)]
    source: Annotated[str, about(ABOUT["source"], "/onedoor/routing")]
    type: Annotated[str, about(ABOUT["type"], "onedoor.DossierAcknowledged.v1")]
    subject: Annotated[str, about(ABOUT["subject"], CASE)]
    time: Annotated[datetime, about(ABOUT["time"])]
    recordedtime: Annotated[datetime, about(ABOUT["recordedtime"])]
    actor: Annotated[str, about(ABOUT["actor"], "staff-193-02")]
    correlationid: Annotated[str, about(ABOUT["correlationid"], "0c6c4a4e")]
    causationid: Annotated[str, about(ABOUT["causationid"], f"route-{CASE}@1")]
    sequence: Annotated[str, about(ABOUT["sequence"], "2")]
    partitionkey: Annotated[str, about(ABOUT["partitionkey"], CASE)]
    hash: Annotated[str, about(ABOUT["hash"], "0" * 64)]
    data: Annotated[dict[str, Any], about(ABOUT["data"], {"case_id": CASE, "unit": "DL-193"})]
    traceparent: NotRequired[Annotated[str, about(ABOUT["traceparent"], f"00-{'a' * 32}-{'b' * 16}-01")]]


CloudEvent.__doc__ = "A fact as it stands on its topic: GET /schemas/CloudEvent of intake has its schema."


class Corrected(TypedDict):
    """A field of a fact that was replaced."""

    field: Annotated[str, about("The field.", "at")]
    was: Annotated[str, about("Its value before.", "2017-07-10T02:00:00Z")]
    now: Annotated[str, about("Its value now.", "2017-07-10T01:00:00Z")]
    by: Annotated[EventId, about("The correction.", f"case-{CASE}@7")]


class FactTold(TypedDict):
    """A fact as it was said, and what became of it."""

    event: Annotated[CloudEvent, about("The fact, with its data as it was stored.")]
    voided_by: Annotated[str | None, about("The correction that took it back.", f"case-{CASE}@7")]
    corrected: Annotated[list[Corrected], about("Its fields that were replaced, in the order of saying.")]
    idle: Annotated[str | None, about("Why a correction did nothing.", "nothing to void")]


class Facts(AsOf):
    """Every fact of a dossier."""

    case_id: CaseId
    incomplete: Incomplete
    facts: Annotated[list[FactTold], about("In the judge's order.")]


class Time(TypedDict):
    """What time it is now for a deployment that takes its time from the caller."""

    now: Annotated[datetime, about("The time.")]
    said: Annotated[int, about("How many warnings and misses that made due.", 0)]
