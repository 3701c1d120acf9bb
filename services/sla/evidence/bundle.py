"""Evidence of dossiers, fetched: whole streams, the verdict that is shown, and the trees behind the seals of days.

All of one answer is read in the caller's snapshot, so that facts, verdict and rules belong together.
"""

from collections import OrderedDict
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deadlines.inforce import InForce
from deadlines.published import STREAM
from events.signing import Signed, digest_of, sign
from events.store.database import Connection
from events.store.store import COLUMNS
from events.subscriptions.follower import LogPosition, bookmark_of
from sla.counting.periods import Period
from sla.evidence import day_sealer
from sla.evidence.proofs import Evidence, Leaves, answering, dossier_document, leaves_of, proof, rules_document
from sla.judging.case import JUDGED
from sla.judging.case_rules import with_published
from sla.live.projector import NAME as JUDGE
from sla.live.queries import APPLIED, HOLE, LIVE, cycles

# Which seal covers a row: the first that reaches it and whose day ended after it was recorded.
SEAL_OF = """
(select number from day_seals where ({log}_epoch, {log}_tx, {log}_position) >= (epoch, tx, position)
    and ends > recorded_at
 order by {log}_epoch, {log}_tx, {log}_position, number limit 1)
"""
# Whole streams, from their first facts on, whatever those are about: a chain cannot begin in the middle.
HEARD = f"""
select {COLUMNS}, epoch, tx, position, {SEAL_OF.format(log="inbox")} as seal from inbox
where stream in (select distinct stream from inbox where subject = any($1)) order by stream collate "C", version
"""
SAID = f"""
select {COLUMNS}, {SEAL_OF.format(log="events")} as seal from events
where stream = any($1) order by stream collate "C", version
"""
OF_MONTH = f"""
select distinct case_id from cycles
where {LIVE} and received_at < $2 and (ended_at is null or ended_at >= $1) order by case_id
"""
LARGEST = 200_000  # leaves of the trees that are kept between two dossiers: some 40 MB


class Behind(Exception):
    """A fact of this dossier was heard and is not judged yet."""


class Trees:
    """The trees behind seals. A seal never changes, so those that were asked for last are kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, Leaves] = OrderedDict()

    async def of(self, connection: Connection, number: int) -> Leaves:
        """The tree of a seal."""
        if number not in self._kept:
            self._kept[number] = leaves_of(await day_sealer.heads(connection, number))
            while sum(len(one.tree) for one in self._kept.values()) > LARGEST and len(self._kept) > 1:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return self._kept[number]


# -- what they are judged by -----------------------------------------------------------------------


async def rules(
    connection: Connection, in_force: InForce, trees: Trees, key: Ed25519PrivateKey | None
) -> tuple[Evidence, str]:
    """Every rule that dossiers are judged by, with the facts that published some of them; and the document's digest."""
    await in_force.refresh(connection)
    applied: int = await connection.fetchval(APPLIED)
    rows = await connection.fetch(SAID, [STREAM])
    document = rules_document(with_published(in_force.catalogue, in_force.facts, applied), applied)
    told = await _proved(connection, answering(document, rows, key), rows, trees)
    return told, digest_of(told.signed.document)


# -- dossiers --------------------------------------------------------------------------------------


async def month(
    connection: Connection, period: Period, named: str, rules_digest: str, key: Ed25519PrivateKey | None
) -> Signed:
    """Which dossiers count in a month, those without a verdict too: each that was open in it or received."""
    found = [row["case_id"] for row in await connection.fetch(OF_MONTH, period.begins, period.ends)]
    document = {"format": "onedoor.month.v1", "month": named, "rules": rules_digest, "dossiers": found}
    return sign(document, key)


async def dossiers(
    connection: Connection, cases: Sequence[str], rules_digest: str, trees: Trees, key: Ed25519PrivateKey | None
) -> dict[str, Evidence]:
    """The evidence of these dossiers, in the caller's snapshot; of nothing was heard, nothing is told.

    Raises Behind when the judge has not come to all that was heard of one.
    """
    heard: dict[str, list[Any]] = {}
    reached = await bookmark_of(connection, JUDGE)
    of_streams = {stream: list(rows) for stream, rows in groupby(await connection.fetch(HEARD, cases), _stream)}
    for stream, rows in of_streams.items():
        for subject in {row["subject"] for row in rows} & set(cases):
            heard.setdefault(subject, []).extend(rows)
        if any(row["type"] in JUDGED and _mark(row) > reached for row in rows):
            raise Behind(stream)
    for row in await connection.fetch(SAID, [f"promise-{case}" for case in heard]):
        heard[row["stream"].partition("-")[2]].append(row)
    judged = await cycles(connection, sorted(heard))
    found: dict[str, Evidence] = {}
    for case in sorted(heard):
        hole: bool = await connection.fetchval(HOLE, case)
        document = dossier_document(case, judged.get(case, ()), hole, rules_digest)
        rows = sorted(heard[case], key=lambda row: (_stream(row), row["version"]))
        found[case] = await _proved(connection, answering(document, rows, key), rows, trees)
    return found


async def _proved(connection: Connection, told: Evidence, rows: Sequence[Any], trees: Trees) -> Evidence:
    """With a proof for every seal that covers a stream of it, of the last fact of that stream which the seal covers."""
    sealed = {(row["seal"], _stream(row)): row["version"] for row in rows if row["seal"]}
    proofs = [
        proof(await trees.of(connection, seal), seal, stream, version)
        for (seal, stream), version in sorted(sealed.items())
    ]
    return Evidence(told.signed, told.events, proofs)


def _stream(row: Any) -> str:
    return str(row["stream"])


def _mark(row: Any) -> LogPosition:
    return LogPosition(row["epoch"], row["tx"], row["position"])
