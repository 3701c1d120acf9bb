"""Evidence: signed documents, the facts behind them line by line, and the proofs that days' seals hold them."""

from datetime import date, datetime
from typing import Annotated, Literal

from typing_extensions import TypedDict

from events.contracts.ranks import ORDER
from events.contracts.rules import CalendarTerms, ServiceTerms
from events.contracts.terms import CaseId
from events.http.answers import about
from sla.answers.cases import CASE, Cycle, Incomplete

Digest = Annotated[str, about("SHA-256 in hexadecimal digits.", "0" * 64)]
RulesDigest = Annotated[str, about("The digest of the rules' document that this was judged by.", "0" * 64)]


class Vouched(TypedDict):
    """Who vouches for a document."""

    key: Annotated[str, about("The Ed25519 public key in base64; empty where the deployment has none.", "")]
    signature: Annotated[str, about("Over the canonical JSON of the document, in base64; empty without a key.", "")]


class DaySealDocument(TypedDict):
    """What a day's seal says of the heads of all streams, and of the seal before it."""

    format: Annotated[Literal["onedoor.day-seal.v1"], about("The form of this document.")]
    number: Annotated[int, about("1, 2, … without a gap.", 1)]
    day: Annotated[date, about("The local day.")]
    streams: Annotated[int, about("How many streams it covers.", 12)]
    facts: Annotated[int, about("How many facts of them are in no seal before it.", 40)]
    root: Annotated[str, about("Root of the Merkle tree (RFC 9162) over the heads, in hexadecimal digits.", "0" * 64)]
    previous: Annotated[str, about("The digest of the seal before it; empty in the first.", "")]
    passed: Annotated[datetime, about("Everything recorded before had been heard when it was made.")]
    marks: Annotated[
        dict[str, list[int]], about("How far each log was: epoch, transaction, position.", {"inbox": [0, 9, 1]})
    ]


class DaySeal(Vouched):
    """The seal of a day, as it was signed."""

    document: Annotated[DaySealDocument, about("What is vouched for.")]


class DaySealsFound(TypedDict):
    """Seals of days."""

    seals: Annotated[list[DaySeal], about("The earliest first.")]


class StreamHead(TypedDict):
    """The last fact of a stream; its hash holds all before it."""

    stream: Annotated[str, about("The stream.", f"case-{CASE}")]
    version: Annotated[int, about("Its place in the stream, from 1 on.", 7)]
    hash: Digest


class EventLines(TypedDict):
    """The facts that stand beside a document, one on each line."""

    lines: Annotated[int, about("How many.", 7)]
    sha256: Annotated[str, about("SHA-256 of the lines, in hexadecimal digits.", "0" * 64)]


class Answering(TypedDict):
    """What a document says of the facts beside it."""

    heads: Annotated[list[StreamHead], about("The heads of its streams.")]
    missing: Annotated[list[str], about("Facts that the system itself could not read.", [])]
    events: Annotated[EventLines, about("The digest of the facts.")]


class Proof(TypedDict):
    """Where in the tree of a day's seal a head stands, and the path from there to the root."""

    seal: Annotated[int, about("The seal.", 1)]
    stream: Annotated[str, about("The stream.", f"case-{CASE}")]
    version: Annotated[int, about("The fact of it that is the head there.", 7)]
    index: Annotated[int, about("The leaf, from 0 on.", 3)]
    path: Annotated[list[Digest], about("The hashes beside the way up, the lowest first.")]


class Proved(TypedDict):
    """What stands beside a signed document."""

    events: Annotated[str, about("The facts, one on each line; each line is JSON.", "")]
    proofs: Annotated[list[Proof], about("One for every seal that covers a stream of it.")]


class DossierDocument(Answering):
    """What the system concludes about a dossier."""

    format: Annotated[Literal["onedoor.dossier.v1"], about("The form of this document.")]
    case_id: CaseId
    incomplete: Incomplete
    rules: RulesDigest
    verdict: Annotated[list[Cycle], about("Its cycles.")]


class SignedDossier(Vouched):
    """What the system concludes about a dossier, signed."""

    document: Annotated[DossierDocument, about("What is vouched for.")]


class DossierEvidence(Proved):
    """The evidence of one dossier."""

    signed: Annotated[SignedDossier, about("The verdict.")]


class DossiersEvidence(TypedDict):
    """The evidence of several dossiers."""

    dossiers: Annotated[dict[str, DossierEvidence], about("By code.")]


class CountryDays(TypedDict):
    """The national days that calendars build on."""

    off: Annotated[list[date], about("Public holidays.")]
    worked: Annotated[list[date], about("Weekend days that are worked instead.")]


class RulesDocument(Answering):
    """Every rule that dossiers are judged by."""

    format: Annotated[Literal["onedoor.rules.v1"], about("The form of this document.")]
    order: Annotated[str, about("The name of the order of events by which dossiers are judged.", ORDER)]
    calendars: Annotated[dict[str, CalendarTerms], about("By version: what working time is computed from.")]
    services: Annotated[dict[str, ServiceTerms], about("By version: what a promise is judged by.")]
    digests: Annotated[dict[str, Digest], about("By version: the digest of its terms.")]
    units: Annotated[dict[str, str], about("By unit: the calendar that it keeps.", {"DL-193": "VN-PAC@2017.1"})]
    default_calendar: Annotated[str, about("The calendar where nothing else is named.", "VN-PAC@2017.1")]
    days: Annotated[dict[str, CountryDays], about("By country: its national days.")]
    first_day: Annotated[date, about("The first day that calendars cover.")]
    last_day: Annotated[date, about("The last one.")]
    revised: Annotated[
        dict[str, str], about("By version: the one that stands for it.", {"VN-PAC@2017": "VN-PAC@2017.1"})
    ]
    applied: Annotated[int, about("How many published rules have moved what they move.", 0)]


class SignedRules(Vouched):
    """Every rule that dossiers are judged by, signed."""

    document: Annotated[RulesDocument, about("What is vouched for.")]


class RulesEvidence(Proved):
    """The rules, the facts that published some of them, and their proofs."""

    signed: Annotated[SignedRules, about("The rules.")]


class MonthDocument(TypedDict):
    """Which dossiers count in a month."""

    format: Annotated[Literal["onedoor.month.v1"], about("The form of this document.")]
    month: Annotated[str, about("The month.", "2017-07")]
    rules: RulesDigest
    dossiers: Annotated[list[CaseId], about("Each that was open in it or received.")]


class MonthEvidence(Vouched):
    """Which dossiers count in a month, signed."""

    document: Annotated[MonthDocument, about("What is vouched for.")]
