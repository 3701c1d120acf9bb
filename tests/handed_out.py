"""Evidence as it is handed out, made of told stories in memory: the files of the archive by their names."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from oracle.telling import Story

from deadlines.instants import local_date
from deadlines.load import load
from events.signing import digest_of, sign
from events.store.envelope import RecordedEvent, link
from onedoor.verifier import Evidence
from sla.evidence.day_seal import Before, Head, sealed
from sla.evidence.proofs import answering, dossier_document, leaves_of, proof, rules_document
from sla.judging.judge import Rules, judge

RULES = Rules(load(Path(__file__).parents[1] / "deploy" / "catalogue"))
Row = dict[str, Any]


def chained(facts: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    """The facts by stream and version, each with its hash behind the one before it."""
    found: list[RecordedEvent] = []
    for fact in sorted(facts, key=lambda fact: (fact.stream, fact.version)):
        head = found[-1].hash if found and found[-1].stream == fact.stream else b""
        found.append(msgspec.structs.replace(fact, hash=link(head, fact)))
    return found


def rows_of(facts: Sequence[RecordedEvent]) -> list[Row]:
    """The same as a log keeps them."""
    found: list[Row] = []
    for fact in chained(facts):
        row = {name: getattr(fact, name) for name in fact.__struct_fields__}
        cause = fact.cause
        found.append(row | {"actor": cause.actor, "correlation": cause.correlation, "causation": cause.causation})
    return found


def seals_of(rows: Sequence[Row], key: Ed25519PrivateKey | None) -> list[tuple[Any, list[Head]]]:
    """A seal for each day on which a fact was recorded, with the heads that it covers."""
    found: list[tuple[Any, list[Head]]] = []
    before = Before()
    for day, own in groupby(sorted(rows, key=_recorded), lambda row: local_date(row["recorded_at"])):
        facts = list(own)
        last = {row["stream"]: row for row in sorted(facts, key=lambda row: int(row["version"]))}
        heads = [Head(stream, last[stream]["version"], last[stream]["hash"]) for stream in sorted(last)]
        made = sealed(day, heads, len(facts), before, {}, facts[-1]["recorded_at"], key)
        before = Before(made.document["number"], day, digest_of(made.document))
        found.append((msgspec.to_builtins(made), heads))
    return found


def files(
    stories: Sequence[Story], key: Ed25519PrivateKey | None = None, rules: Rules = RULES, *,
    published: Sequence[RecordedEvent] = (), month: str | None = None, sealed_days: int = 1000,
) -> dict[str, bytes]:  # fmt: skip
    """All files of the archive but the readme and the verifier. Only the first so many days are sealed."""
    told = {story.case_id: rows_of(story.facts) for story in stories}
    of_rules = rows_of(published)
    seals = seals_of([row for rows in (*told.values(), of_rules) for row in rows], key)[:sealed_days]
    ruled = answering(rules_document(rules, len(of_rules)), of_rules, key)
    digest = digest_of(ruled.signed.document)
    made = {"seals.json": _json({"seals": [seal for seal, _ in seals]}), **_both("rules", ruled, of_rules, seals)}
    for story in stories:
        document = dossier_document(story.case_id, judge(story.facts, rules).cycles, False, digest)
        one = answering(document, told[story.case_id], key)
        made |= _both(f"dossiers/{story.case_id}", one, told[story.case_id], seals)
    if month:
        listed = {"month": month, "rules": digest, "dossiers": sorted(told)}
        made["month.json"] = _json(msgspec.to_builtins(sign(listed, key)))
    return made


def checked(made: Mapping[str, bytes], *keys: str) -> Evidence:
    """What the verifier finds in an archive of these files."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in made.items():
            archive.writestr(name, content)
    it = Evidence(zipfile.ZipFile(written), list(keys))
    it.check()
    return it


def edited(made: Mapping[str, bytes], name: str, change: Any) -> dict[str, bytes]:
    """The files with one JSON document changed by a function that edits it in place."""
    value = json.loads(made[name])
    change(value)
    return {**made, name: _json(value)}


def _both(name: str, one: Any, rows: Sequence[Row], seals: Sequence[tuple[Any, list[Head]]]) -> dict[str, bytes]:
    streams = {row["stream"] for row in rows}
    proofs = [
        proof(leaves_of(heads), seal["document"]["number"], head.stream, head.version)
        for seal, heads in seals
        for head in heads
        if head.stream in streams
    ]
    signed = msgspec.to_builtins(one.signed)
    return {f"{name}.json": _json({"signed": signed, "proofs": proofs}), f"{name}.ndjson": one.events.encode()}


def _recorded(row: Row) -> Any:
    return row["recorded_at"]


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode()
