"""What outsiders are handed: documents that are signed, the facts behind them line by line, and proofs. Pure.

A document states the heads of its streams and the digest of its facts; facts and proofs stand beside it and answer to
it. `onedoor/verifier.py` is the other side of this file.
"""

import hashlib
from base64 import b64encode
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deadlines.calendar import FIRST, LAST, national_days
from events.contracts.catalogue import write
from events.contracts.ranks import ORDER
from events.kafka.cloudevent import PREFIX
from events.signing import Signed, digest_of, sign
from sla.evidence.day_seal import Head, tree_of
from sla.evidence.merkle import Tree
from sla.judging.case_rules import Rules
from sla.judging.rows import CycleRow, shown


class Evidence(msgspec.Struct, frozen=True):
    """A signed document, the lines of its facts, and the proofs that they are sealed."""

    signed: Signed
    events: str
    proofs: Sequence[Mapping[str, Any]]


class Leaves(NamedTuple):
    """The tree of one seal, and its streams in the order of the leaves."""

    streams: Sequence[str]
    tree: Tree


def leaves_of(heads: Sequence[Head]) -> Leaves:
    """The tree over the heads that a seal covers."""
    return Leaves([head.stream for head in heads], tree_of(heads))


def proof(leaves: Leaves, seal: int, stream: str, version: int) -> dict[str, Any]:
    """Where in the tree of a seal a head stands, and the path from there to the root."""
    index = bisect_left(leaves.streams, stream)
    path = [beside.hex() for beside in leaves.tree.path(index)]
    return {"seal": seal, "stream": stream, "version": version, "index": index, "path": path}


def answering(document: dict[str, Any], rows: Sequence[Any], key: Ed25519PrivateKey | None) -> Evidence:
    """The document, with the heads of its streams and the digest of its facts, signed; and the facts, without proofs.

    `rows` are those of a log, by stream and version. `missing` are facts that the system itself could not read.
    """
    lines = "".join(line_of(row) for row in rows)
    heads, missing = [], []
    for stream, own in groupby(rows, lambda row: str(row["stream"])):
        facts = {row["version"]: row for row in own}
        last = max(facts)
        heads.append({"stream": stream, "version": last, "hash": facts[last]["hash"].hex()})
        missing += [f"{stream}@{version}" for version in range(1, last) if version not in facts]
    stated = {
        "heads": heads, "missing": missing,
        "events": {"lines": len(rows), "sha256": hashlib.sha256(lines.encode()).hexdigest()},
    }  # fmt: skip
    return Evidence(sign(document | stated, key), lines, ())


def dossier_document(case: str, judged: Sequence[CycleRow], hole: bool, rules_digest: str) -> dict[str, Any]:
    """What the system concludes about a dossier, each cycle as it is shown; `hole`: a fact of it is set aside."""
    verdict: list[dict[str, Any]] = msgspec.to_builtins([shown(row._asdict()) for row in judged])
    incomplete = hole or any(row.incomplete for row in judged)
    return {
        "format": "onedoor.dossier.v1", "case_id": case, "incomplete": incomplete, "rules": rules_digest,
        "verdict": verdict,
    }  # fmt: skip


def rules_document(by: Rules, applied: int) -> dict[str, Any]:
    """Calendars and services as they are judged by, the national days that calendars build on, each unit's calendar.

    `order` names the order of events, by which a verifier must take them.

    `revised`: versions that stand for older ones, after the first `applied` published facts.
    """
    catalogue = by.catalogue
    calendars = {id: _plain(entry.terms()) for id, entry in catalogue.calendars.items()}
    services = {id: _plain(entry.terms()) for id, entry in catalogue.services.items()}
    return {
        "format": "onedoor.rules.v1",
        "order": ORDER,
        "calendars": calendars,
        "services": services,
        "digests": {id: digest_of(terms) for id, terms in sorted({**calendars, **services}.items())},
        "units": {unit.code: catalogue.calendar_of(unit.code).id for unit in catalogue.units()},
        "default_calendar": next(iter(catalogue.calendars)),
        "days": {country: _days(country) for country in sorted({one["country"] for one in calendars.values()})},
        "first_day": FIRST.isoformat(),
        "last_day": LAST.isoformat(),
        "revised": dict(by.revised),
        "applied": applied,
    }


def _plain(terms: Any) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(write(terms))
    return found


def _days(country: str) -> dict[str, Sequence[str]]:
    """A country's public holidays, and the weekend days that are worked instead."""
    off, worked = national_days(country)
    return {"off": sorted(day.isoformat() for day in off), "worked": sorted(day.isoformat() for day in worked)}


def line_of(row: Mapping[str, Any]) -> str:
    """A fact on one line: what its hash is made of, and that. `data` comes last and is what was stored, byte for byte;
    what would break the line is told in base64."""
    data: bytes = row["data"]
    told = {
        "id": f"{row['stream']}@{row['version']}",
        "type": f"{PREFIX}{row['type']}.v{row['schema']}",
        "subject": row["subject"],
        "time": row["at"],
        "recordedtime": row["recorded_at"],
        "actor": row["actor"],
        "correlationid": row["correlation"],
        "causationid": row["causation"],
        "hash": row["hash"].hex(),
    }
    if b"\n" in data or b"\r" in data:
        return msgspec.json.encode({**told, "data_base64": b64encode(data).decode()}).decode() + "\n"
    return msgspec.json.encode(told)[:-1].decode() + ',"data":' + data.decode() + "}\n"
