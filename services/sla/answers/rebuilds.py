"""Rebuilds: the generations of the judged tables, how a run goes, and what it vouches for."""

from datetime import datetime
from typing import Annotated, Literal, NotRequired

from typing_extensions import TypedDict

from events.contracts.terms import CaseId
from events.http.answers import about
from sla.answers.cases import CASE, By766, ByDate, BySession, CycleNumber, Incomplete
from sla.judging.rows import Outcome

PLACE = "routing.events/3/17"
RowHash = Annotated[str, about("Fingerprint of the rows: 16 hexadecimal digits, whatever their order.", "0" * 16)]
Sha256 = Annotated[str, about("SHA-256 in hexadecimal digits.", "0" * 64)]


class RunBegun(TypedDict):
    """A run that has begun, or is called off."""

    run: Annotated[int, about("Its number: watch it there.", 2)]


class Dropped(TypedDict):
    """Generations whose rows are gone."""

    dropped: Annotated[list[int], about("Their numbers.", [1])]


class GenerationBase(TypedDict):
    """A generation of the judged tables, and how its rebuild went."""

    id: Annotated[int, about("Its number.", 2)]
    phase: Annotated[str, about("What the run is doing, or how it ended.", "comparing")]
    actor: Annotated[str | None, about("Who asked for it; null of the first one.", "operator-onedoor-01")]
    dry_run: Annotated[bool, about("Whether nothing is swapped.")]
    started_at: Annotated[datetime, about("When it began.")]
    finished_at: Annotated[datetime | None, about("When it ended.")]
    events: Annotated[int, about("Records that were folded so far.", 120_000)]
    cases: Annotated[int, about("Dossiers that were judged so far.", 3_187)]
    seconds: Annotated[float | None, about("Seconds from the first record to the last judged row.", 12.5)]
    rows: Annotated[int | None, about("How many rows it wrote.", 21_000)]
    hash: Annotated[str | None, about("Their fingerprint: 16 hexadecimal digits.", "0" * 16)]
    error: Annotated[str | None, about("Why it failed.", "12 cases differ from the live ones")]


class Generation(GenerationBase):
    """A generation of the judged tables, and how its rebuild went."""

    state: Annotated[
        Literal["building", "live", "retired", "failed", "checked", "cancelled"],
        about("`retired`: it was live; `checked`: a trial."),
    ]


class RunProgress(GenerationBase):
    """How a rebuild goes, or went."""

    state: Annotated[Literal["running", "done", "failed", "cancelled"], about("Whether it is at work, or its end.")]
    expected: Annotated[int, about("Records to fold, known at the start.", 120_000)]
    undecodable: Annotated[int, about("Records that could not be read.", 0)]
    differences: Annotated[int, about("Dossiers whose rows differ from the live ones.", 0)]
    stuck: Annotated[dict[str, str], about("Dossiers that could not be judged, and why.", {CASE: "KeyError: 'unit'"})]
    run: Annotated[int, about("Its number.", 2)]
    swapped: Annotated[bool, about("Whether its rows are, or were, the live ones.")]
    put_right: Annotated[bool, about("Whether its rows were taken into the live generation.")]
    events_per_second: Annotated[float | None, about("Records folded in a second.", 9_600.0)]
    seconds_left: Annotated[float | None, about("Seconds that are left, while it is at work.", 3.5)]


class FoldedPartition(TypedDict):
    """The records of a partition that were folded."""

    topic: Annotated[str, about("The topic.", "routing.events")]
    partition: Annotated[int, about("The partition.", 3)]
    first: Annotated[int, about("The first offset.", 0)]
    end: Annotated[int, about("The offset after the last one.", 20_000)]
    records: Annotated[int, about("How many were read; 0 where the inbox was read instead.", 20_000)]


class Hole(TypedDict):
    """A record that counts in nothing."""

    place: Annotated[str, about("topic/partition/offset.", PLACE)]
    reason: Annotated[str, about("Why it could not be read.", "time: not an instant")]


class Fingerprint(TypedDict):
    """Judged rows and their fingerprint."""

    rows: Annotated[int, about("How many.", 21_000)]
    hash: RowHash


class VerdictTold(TypedDict):
    """A cycle as far as its verdict."""

    cycle: CycleNumber
    outcome: Annotated[Outcome, about("How it ended, or open.")]
    due_at: Annotated[datetime | None, about("When the promise ends.")]
    released_at: Annotated[datetime | None, about("When the result was ready.")]
    by_date: ByDate
    by_session: BySession
    by_766: By766
    determined: Annotated[bool, about("False: there is no promise to judge by.")]
    incomplete: Incomplete


class CaseDifference(TypedDict):
    """A dossier whose rows differ."""

    case_id: CaseId
    heard: Annotated[str, about("The fact of it that was heard last.", f"case-{CASE}@7")]
    before: Annotated[list[VerdictTold], about("Its cycles in the live generation.")]
    after: Annotated[list[VerdictTold], about("Its cycles in the new one.")]


class DifferencesDigest(TypedDict):
    """The list of the dossiers that differ, which is kept beside the certificate."""

    count: Annotated[int, about("How many.", 0)]
    digest: Annotated[str, about("SHA-256 of the list, in hexadecimal digits.", "0" * 64)]


class CertificateDocument(TypedDict):
    """What a rebuild vouches for: anybody who folds up to these offsets again must get this hash."""

    generation: Annotated[int, about("Its number.", 2)]
    taken_from: NotRequired[Annotated[int | None, about("The generation whose rows were taken over.", 1)]]
    source: NotRequired[Annotated[str, about("What the facts were read from: kafka, segments or inbox.", "kafka")]]
    known_on: NotRequired[Annotated[datetime | None, about("What was recorded later was left out; null: nothing.")]]
    named: NotRequired[Annotated[list[CaseId] | None, about("The dossiers that alone were folded; null: all.")]]
    replaces: Annotated[int | None, about("The generation that was live.", 1)]
    swapped: Annotated[bool, about("Whether it was swapped in.")]
    put_right: NotRequired[Annotated[bool, about("Whether its rows were taken into the live generation.")]]
    asked_by: Annotated[str, about("Who asked for it.", "operator-onedoor-01")]
    made_at: Annotated[datetime, about("When it was made.")]
    code: Annotated[str, about("SHA-256 over the program files that read, judge and write.", "0" * 64)]
    rules: Annotated[dict[str, Sha256], about("By calendar and service: the digest of its terms.")]
    published: Annotated[int, about("How many published rules have moved what they move.", 0)]
    partitions: Annotated[list[FoldedPartition], about("The records that were folded.")]
    topics: NotRequired[Annotated[dict[str, str], about("The id that Kafka gave each topic.", {"field.events": "aB3"})]]
    records: Annotated[int, about("Records that were read.", 120_000)]
    unreadable: Annotated[int, about("Records that could not be read.", 0)]
    cases: Annotated[int, about("Dossiers that were judged.", 3_187)]
    folded: Annotated[Fingerprint, about("The rows as of the partitions' ends.")]
    compared: Annotated[Fingerprint | None, about("The rows at the cut; null: nothing was compared.")]
    holes: Annotated[list[Hole], about("What counts in nothing.")]
    holes_accepted: Annotated[str | None, about("Why one goes over them, as a code.", "test-records")]
    dismissed: Annotated[list[str], about("Records that an operator dismissed.", [PLACE])]
    stuck: Annotated[dict[str, str], about("Dossiers that could not be judged, and why.", {CASE: "KeyError: 'unit'"})]
    differences: Annotated[
        DifferencesDigest | list[CaseDifference] | None, about("The dossiers that differ; older ones hold the list.")
    ]
    differences_accepted: Annotated[bool, about("Whether an operator accepted them.")]


class SignedCertificate(TypedDict):
    """A certificate, and who vouches for it."""

    document: Annotated[CertificateDocument, about("What is vouched for.")]
    key: Annotated[str, about("The Ed25519 public key in base64; empty without one.", "")]
    signature: Annotated[str, about("Over the canonical JSON of the document, in base64; empty without a key.", "")]
