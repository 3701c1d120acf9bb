"""The record as `sla.reports.document` has it, what its numbers open to, and how it came about."""

from datetime import date, datetime
from typing import Annotated, Literal, NotRequired

from typing_extensions import TypedDict

from events.contracts.terms import CaseId, UnitKind
from events.http.answers import about
from sla.answers.cases import CASE, AsOf, CycleNumber, Text, UnitName
from sla.counting.annex import Cause
from sla.counting.line import Column, Cut, Made, Opening
from sla.judging.rows import Act

OPENS = "/record/items?from=2017-07-01&to=2017-08-01&kind=counter&line=PAC-193"

Counted = Annotated[
    tuple[str, int, str],
    about("The dossier, its cycle, and the part of it: empty, a stay's number or a referral's event.", [CASE, 1, ""]),
]
Timed = Annotated[
    tuple[str, int, str, int],
    about("The dossier, its cycle, the part of it, and its working seconds.", [CASE, 1, "2", 14_400]),
]
Explain = Annotated[str, about("The address at which the dossier opens to its events.", f"/cases/{CASE}/explain")]

Span = TypedDict(
    "Span",
    {
        "from": Annotated[date, about("The first local date.")],
        "to": Annotated[date, about("The first local date after.")],
    },
)


class Share(TypedDict):
    """A part of a whole."""

    part: Annotated[int, about("How many.", 95)]
    of: Annotated[int, about("Of how many.", 100)]
    share: Annotated[float | None, about("Between 0 and 1; null where there is nothing to share.", 0.95)]
    small: Annotated[bool, about("Of too few to compare it with others.")]


class Averages(TypedDict):
    """Medium-voltage dossiers released in the period, in days of eight working hours."""

    cases: Annotated[int, about("How many.", 4)]
    utility_days: Annotated[float, about("Mean working days on the company's clock.", 3.5)]
    customer_days: Annotated[float, about("Mean working days on the customer's clock.", 1.0)]
    agency_days: Annotated[float, about("Mean working days on agencies' clocks.", 5.25)]
    elapsed_days: Annotated[float, about("Mean elapsed days of 24 hours.", 14.0)]


class Ratings(TypedDict):
    """Customers' marks of the cycles that ended in the period."""

    marks: Annotated[int, about("How many.", 12)]
    mean: Annotated[float, about("Their mean, 1 to 5.", 4.5)]


class Indicators(TypedDict):
    """The national indicators by Decision 766."""

    classifier: Annotated[str, about("The classifier and its version.", "C@1")]
    on_time: Annotated[Share, about("On time of what was completed in the period.")]
    overdue: Annotated[Share, about("Completed late and pending late, of everything received or carried over.")]


class Line(TypedDict):
    """One unit's line, or one cut's."""

    unit: Annotated[str, about("The unit; of a cut the service, field, channel or district.", "PAC-193")]
    kind: Annotated[Cut, about("What kind of line it is.")]
    name: Annotated[Text, about("What it is called.")]
    figures: Annotated[dict[Column, int], about("By column: how many dossiers, stays or referrals.", {"received": 12})]
    template: Annotated[dict[str, int], about("By the number of a column of template II.06a.", {"3": 12})]
    on_time_share: Annotated[float | None, about("Ahead and on time of those solved with a result, 0 to 1.", 0.95)]
    mv: Annotated[Averages | None, about("Of medium voltage; null without a dossier.")]
    ratings: Annotated[Ratings | None, about("Of customers' marks; null without one.")]
    indicators: NotRequired[Annotated[Indicators, about("Where dossiers are counted.")]]
    sums: NotRequired[Annotated[dict[str, int], about("What is behind averages and delay.", {"delay seconds": 3_600})]]
    items: NotRequired[Annotated[dict[Column, list[Counted]], about("By column: what it counts.")]]
    made_of: NotRequired[Annotated[dict[Made, list[Counted]], about("What shares and averages are counted from.")]]
    opens: NotRequired[Annotated[str, about("Where its numbers open, but for `&column=`.", OPENS)]]
    opens_to: NotRequired[
        Annotated[dict[str, str], about("Where what no column counts opens.", {"mv": f"{OPENS}&column=mv"})]
    ]


class Delay(TypedDict):
    """What a unit is charged with of the dossiers released overdue in the period."""

    unit: UnitName
    dossiers: Annotated[int, about("How many.", 2)]
    seconds: Annotated[int, about("Working seconds of them together.", 7_200)]
    name: Annotated[Text, about("The unit's name.")]
    items: NotRequired[Annotated[list[Timed], about("Which ones, each with its seconds.")]]
    opens: NotRequired[Annotated[str, about("Where it opens to them.", OPENS)]]


class Dwell(TypedDict):
    """How long a unit had dossiers in a step: stays that ended in the period, in working seconds of the company."""

    unit: UnitName
    step: Annotated[str, about("The step.", "survey")]
    stays: Annotated[int, about("How many.", 20)]
    p50: Annotated[int, about("Working seconds that half of them took at most.", 14_400)]
    p90: Annotated[int, about("Working seconds that nine of ten took at most.", 28_800)]
    longest: Annotated[int, about("Working seconds of the longest.", 57_600)]
    name: Annotated[Text, about("The unit's name.")]
    step_name: Annotated[Text, about("The step's name.")]
    items: NotRequired[Annotated[list[Timed], about("Which ones, each with its seconds.")]]
    opens: NotRequired[Annotated[str, about("Where it opens to them.", OPENS)]]


class Effect(TypedDict):
    """A remedial action of the period before, and the same unit's overdue now."""

    unit: UnitName
    kind: Annotated[UnitKind, about("What the unit is.")]
    name: Annotated[Text, about("The unit's name.")]
    why: Annotated[str, about("The threshold that was passed, as a word.", "overdue-share")]
    why_name: Annotated[Text, about("The same in words.")]
    seal: Annotated[str, about("The sealed period.", "2017-07-01-2017-08-01")]
    before: Annotated[Share, about("Overdue of solved then.")]
    after: Annotated[Share, about("Overdue of solved in this period.")]


class Held(TypedDict):
    """A unit's share of a delay."""

    unit: UnitName
    seconds: Annotated[int, about("Working seconds.", 3_600)]
    unit_name: Annotated[Text, about("The unit's name.")]


class Late(TypedDict):
    """One overdue dossier of the annex."""

    case_id: CaseId
    cycle: CycleNumber
    counter: Annotated[str, about("The counter that took it in.", "PAC-193")]
    counter_name: Annotated[Text, about("Its name.")]
    organisation: Annotated[str, about("The organisation of the counter.", "PC-QN")]
    service: Annotated[str | None, about("The version of the service.", "LV-RES-URBAN@2017-07-01")]
    service_name: Annotated[Text | None, about("Its name.")]
    due: Annotated[datetime, about("When the promise ended.")]
    released: Annotated[datetime | None, about("When the result was ready; null: open at the end of the period.")]
    delay_seconds: Annotated[int, about("Working seconds of the company after due.", 3_600)]
    cause: Annotated[Cause, about("Whose doing it is.")]
    cause_text: Annotated[Text, about("The same in words.")]
    subjective: Annotated[bool, about("Whether the office itself answers for it.")]
    apology: Annotated[bool, about("Whether the customer had an apology.")]
    unit: Annotated[str, about("Who had it last in the period.", "DL-193")]
    unit_name: Annotated[Text, about("Its name.")]
    holders: Annotated[list[Held], about("Who made the delay; the shares add up to it.")]
    explain: Explain


class RecordDocument(Span, AsOf):
    """The record of a period. Shares are between 0 and 1, lengths in working seconds, averages in days."""

    template: Annotated[str, about("The template that the columns follow.", "II.06a/VPCP/KSTT")]
    classifier: Annotated[str, about("Whose classes the columns hold, and its version.", "A@1")]
    lines: Annotated[list[Line], about("One for each unit, kind by kind.")]
    cuts: Annotated[list[Line], about("The same dossiers by service, field, channel and district.")]
    delays: Annotated[list[Delay], about("Who is charged with the delay.")]
    dwell: Annotated[list[Dwell], about("How long the steps take.")]
    effects: Annotated[list[Effect], about("What became of the actions of the period before.")]
    broken: Annotated[list[str], about("Identities that do not hold; none in a sound record.", [])]
    seen: NotRequired[Annotated[date, about("Of a period that is not over: the local date that it is.")]]
    annex: NotRequired[Annotated[list[Late], about("Every overdue dossier.")]]
    opens: NotRequired[Annotated[str, about("Where its numbers open to what they count.", f"{OPENS[:43]}")]]


class PublicRecord(RecordDocument):
    """The record's figures for everybody: nothing names a dossier."""

    now: Annotated[datetime, about("What time it is.")]


class Item(TypedDict):
    """One dossier that a number counts."""

    case_id: CaseId
    cycle: CycleNumber
    part: Annotated[str, about("Empty, the number of a stay, or the event of a referral.", "")]
    seconds: NotRequired[Annotated[int, about("Working seconds, of a delay or a dwell.", 14_400)]]
    explain: Explain


class Items(Span, AsOf):
    """What one number of a record counts."""

    kind: Annotated[Opening, about("The kind of line.")]
    line: Annotated[str, about("The line.", "PAC-193")]
    names: Annotated[list[Text], about("What the number is called.")]
    items: Annotated[list[Item], about("In order of dossier.")]


class PracticeLine(TypedDict):
    """How a unit came by its record."""

    unit: UnitName
    kind: Annotated[UnitKind, about("What the unit is.")]
    name: Annotated[Text, about("The unit's name.")]
    figures: Annotated[dict[Act, int], about("By act: how often.", {"extension": 1})]
    items: Annotated[dict[Act, list[CaseId]], about("By act: the dossier of each.")]
    paused_share: Annotated[float | None, about("Paused of all working time, 0 to 1; null where none passed.", 0.25)]
    paused_seconds: Annotated[int, about("Working seconds on somebody else's clock.", 14_400)]
    working_seconds: Annotated[int, about("Working seconds in all.", 57_600)]
    ended: Annotated[list[CaseId], about("The dossiers that the share is counted from.")]


class PracticeDocument(Span):
    """How the record of a period came about: what stopped, moved or ended promises."""

    acts: Annotated[dict[Act, Text], about("What each act is called.")]
    lines: Annotated[list[PracticeLine], about("By kind and unit.")]


class Portal(TypedDict):
    """A dossier by the field names of the national portal (DongBoHoSoMC), as far as nothing personal is in them."""

    MaHoSo: Annotated[CaseId, about("The dossier's code.", CASE)]
    MaTTHC: Annotated[str | None, about("The service without its version.", "LV-RES-URBAN")]
    TenTTHC: Annotated[str | None, about("The service's name.", "Cấp điện mới hạ áp")]
    MaLinhVuc: Annotated[str | None, about("The field of work.", "LV")]
    NgayTiepNhan: Annotated[str | None, about("When received: local, as yyyyMMddHHmmss.", "20170710090000")]
    NgayHenTra: Annotated[str | None, about("When due: local, as yyyyMMddHHmmss.", "20170714170000")]
    NgayKetThucXuLy: Annotated[str | None, about("When processing ended: local, as yyyyMMddHHmmss.", "20170713100000")]
    NgayTra: Annotated[str | None, about("When collected: local, as yyyyMMddHHmmss.", "20170714090000")]
    TrangThaiHoSo: Annotated[
        Literal[2, 3, 4, 5, 6, 7, 8, 9, 10],
        about(
            "2 received, 3 not received, 4 in process, 5 supplement asked, 6 obligation, 7 withdrawn, 8 stopped, "
            "9 processed, 10 result handed over."
        ),
    ]
    HinhThuc: Annotated[int, about("1 direct, 2 online, 3 by post.", 1)]
    DonViXuLy: Annotated[str, about("The unit in charge.", "DL-193")]
