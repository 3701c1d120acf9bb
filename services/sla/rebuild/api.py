"""HTTP: rebuilds of the judged tables. Begun, watched and called off here; each is a process of its own."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Annotated, Any, Self

import msgspec
import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sse_starlette import EventSourceResponse, ServerSentEvent

from events import signing
from events.actor import Actor
from events.contracts.terms import CaseId, Count, Flag, Instant, Whole, Word
from events.errors import NotFound, Refused
from events.http.app import answers, says
from events.http.auth import Allowed
from events.http.event_stream import Events, event_stream
from events.http.parameters import Run, StorableText
from events.kafka.topics import PARTITIONS
from events.operations import api as operations_api
from events.operations.operator_action import OperatorAction
from events.service.runtime import Parts
from events.settings import Settings
from events.signing import Signed
from sla.answers.rebuilds import CaseDifference, Dropped, Generation, RunBegun, RunProgress, SignedCertificate
from sla.live import queries
from sla.rebuild import certificate_data, generations
from sla.rebuild.certificate import Certificate, Difference, told
from sla.rebuild.cutover import Source
from sla.rebuild.log_reader import Place

EVERY = 0.25  # seconds between two looks at a run for whoever follows it
STATES = {"building": "running", "failed": "failed", "cancelled": "cancelled"}
log = structlog.get_logger("sla.rebuilds")

Operates = Annotated[Actor, Depends(Allowed("operate"))]


class Rebuild(BaseModel):
    """`accept_differences`: swap even if rows differ from the live ones; the differences are published.

    `accept_holes`: why one may go over records that cannot be read and were not dismissed, as a code. `dry_run`:
    compare, say what differs, swap nothing. `throttle`: percent of the time in which the workers work. `workers`:
    processes that fold; one a core if not given. `cases`: fold and compare these dossiers alone; what differs is put
    right in the live tables if `accept_differences`. `source`: what the facts are read from: `inbox` is what sla heard,
    and needs no Kafka; `segments` is what was exported, and Kafka for the rest. `until` and `offsets`: only what was
    recorded up to an instant, only what stands below these offsets (by topic/partition; all that was heard of the
    others): a trial, compared with nothing, because nothing live stands there.
    """

    model_config = ConfigDict(extra="forbid")
    accept_differences: Flag = False
    accept_holes: Word | None = None
    dry_run: Flag = False
    throttle: Annotated[int, Whole(1, 100)] = 100
    workers: Annotated[int, Whole(1, PARTITIONS)] | None = None
    cases: Annotated[list[CaseId], Field(min_length=1, max_length=1_000)] | None = None
    source: Source = "kafka"
    until: Instant | None = None
    offsets: dict[StorableText, Count] | None = None

    @property
    def trial(self) -> bool:
        """Whether nothing will be swapped."""
        return self.dry_run or self.until is not None or self.offsets is not None

    @model_validator(mode="after")
    def _reads_offsets(self) -> Self:
        if self.source == "inbox" and self.offsets is not None:
            raise ValueError("the inbox knows no offsets: give `until`, or another source")
        return self

    def arguments(self) -> list[str]:
        """The same for the command line of the process."""
        flags = [("--accept", self.accept_differences), ("--dry-run", self.dry_run)]
        words = [
            ("--throttle", self.throttle), ("--workers", self.workers), ("--accept-holes", self.accept_holes),
            ("--source", self.source), ("--known-on", self.until.astimezone(UTC).isoformat() if self.until else None),
        ]  # fmt: skip
        given = [f"{flag}={word}" for flag, word in words if word is not None]
        return [flag for flag, wanted in flags if wanted] + given + [f"--case={case}" for case in self.cases or ()]


class Rollback(BaseModel):
    """`accept_differences`: swap even if rows differ from the live ones, as they will; the differences are published.
    `dry_run`: compare, say what differs, swap nothing."""

    model_config = ConfigDict(extra="forbid")
    accept_differences: Flag = False
    dry_run: Flag = False

    def arguments(self) -> list[str]:
        """The same for the command line of the process."""
        flags = [("--accept", self.accept_differences), ("--dry-run", self.dry_run)]
        return ["--back", *(flag for flag, wanted in flags if wanted)]


def routes(parts: Parts) -> APIRouter:
    """Operators only."""
    router = APIRouter()
    Ordered = Annotated[OperatorAction, Depends(operations_api.ordering(parts.pool, "sla"))]
    builders: set[asyncio.Task[None]] = set()

    async def _begin(actor: Actor, *, dry_run: bool, arguments: Sequence[str]) -> RunBegun:
        generation = await generations.begin(parts.pool, actor.id, dry_run=dry_run)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "sla.rebuild", str(generation), "--actor", actor.id, *arguments,
                env={**os.environ, **parts.settings.environment()},
            )  # fmt: skip
        except OSError:
            await generations.gave_up(parts.pool, generation, 1)
            raise

        async def ended() -> None:
            status = await process.wait()
            if status:
                await generations.gave_up(parts.pool, generation, status)
            parts.bell.ring_all()
            log.info("rebuild ended", generation=generation, status=status)

        task = asyncio.create_task(ended())
        builders.add(task)
        task.add_done_callback(builders.discard)
        return {"run": generation}

    @router.post("/rebuilds", **answers(RunBegun, 202))
    async def rebuild(body: Rebuild, actor: Operates) -> RunBegun:
        """Fold the whole log again beside the live tables, compare, and swap. One at a time."""
        arguments = body.arguments()
        if body.offsets is not None:
            arguments.append(_until(await certificate_data.heard(parts.pool), body.offsets))
        return await _begin(actor, dry_run=body.trial, arguments=arguments)

    @router.post("/rollbacks", **answers(RunBegun, 202))
    async def go_back(body: Rollback, actor: Operates) -> RunBegun:
        """A new generation from the rows that were replaced last and what was heard since, swapped in like any other.

        Nothing on the log is undone.
        """
        await generations.before(parts.pool)
        return await _begin(actor, dry_run=body.dry_run, arguments=body.arguments())

    @router.post("/prunes", **answers(Dropped))
    async def prune(order: Ordered) -> Dropped:
        """Drop the rows of every replaced generation: there is no going back to them afterwards."""
        return {"dropped": await generations.prune(parts.pool, order)}

    @router.post("/certificates", **answers(RunBegun, 202))
    async def verify(body: dict[str, Any], actor: Operates) -> RunBegun:
        """Fold again what a certificate vouches for, up to its offsets and under its rules, beside the live tables.

        The run ends with rows and hash, to be compared with the certificate's; nothing is swapped. Refused when we did
        not sign it, or it was changed since.
        """
        certificate = _vouched(body, parts.settings)
        if certificate.taken_from is not None:
            raise Refused(
                "nothing-folded", f"it vouches for rows that were taken over from generation {certificate.taken_from}",
                field="taken_from", way_out="verify the certificate of the generation that they came from",
            )  # fmt: skip
        again = await certificate_data.made_again(parts.pool, certificate.topics)
        if again:
            raise Refused(
                "another-topic", f"{', '.join(again)}: made again since, so its offsets mean other records now",
                field="topics",
                way_out="rebuild, and compare the two certificates: the facts are the same, their offsets are others",
            )  # fmt: skip
        ends = {(one.topic, one.partition): one.end for one in certificate.partitions}
        arguments = [_until(ends, {}), f"--published={certificate.published}"]
        if certificate.known_on is not None:
            arguments.append(f"--known-on={certificate.known_on.isoformat()}")
        arguments += [f"--case={case}" for case in certificate.named or ()]
        return await _begin(actor, dry_run=True, arguments=arguments)

    @router.get("/rebuilds", **answers(list[Generation]))
    async def runs(_: Operates) -> Any:
        """Every generation there was, with how its rebuild went."""
        return await queries.generations(parts.pool)

    @router.get("/rebuilds/{run}", **answers(RunProgress))
    async def run(run: Run, _: Operates) -> Any:
        """How a rebuild goes: its phase, records folded, cases judged, and what the comparison found."""
        return await _told(run)

    async def _told(run: int) -> dict[str, Any]:
        found = await queries.generation(parts.pool, run)
        if found is None:
            raise _unknown(run)
        rate = found["events"] / found["seconds"] if found["seconds"] else None
        left = max(found["expected"] - found["events"], 0) / rate if rate and found["state"] == "building" else None
        return found | {
            "run": run, "state": STATES.get(found["state"], "done"), "swapped": found["state"] in ("live", "retired"),
            "put_right": found["phase"] == generations.PUT_RIGHT,
            "events_per_second": rate, "seconds_left": left,
        }  # fmt: skip

    @router.get("/rebuilds/{run}/progress", **says("text/event-stream"))
    async def progress(request: Request, run: Run, _: Operates) -> EventSourceResponse:
        """Server-sent events: the same as often as it changes; `ended` is the last, or `expired` with the token."""
        await _told(run)

        async def events() -> Events:
            before: dict[str, Any] | None = None
            while True:
                standing = await _told(run)
                ended = standing["state"] != "running"
                if standing != before or ended:
                    data = msgspec.json.encode(standing).decode()
                    yield ServerSentEvent(data=data, event="ended" if ended else "progress")
                if ended:
                    return
                before = standing
                await asyncio.sleep(EVERY)

        return event_stream(request, events())

    @router.get("/rebuilds/{run}/certificate", **answers(SignedCertificate))
    async def certificate(run: Run, _: Operates) -> Response:
        """What the run vouches for: records, code and rules, rows, and the digest of all differences; signed."""
        return Response((await _certificate(run))[0], media_type="application/json")

    @router.get("/rebuilds/{run}/differences", **answers(list[CaseDifference]))
    async def differences(run: Run, _: Operates) -> Response:
        """Every dossier that differed, before and after: the list that the certificate knows by its digest."""
        return Response((await _certificate(run))[1], media_type="application/json")

    @router.get("/rebuilds/{run}/certificate/text", response_class=PlainTextResponse)
    async def certificate_text(run: Run, _: Operates) -> PlainTextResponse:
        """The same for people."""
        document, beside = await _certificate(run)
        signed = msgspec.json.decode(document, type=Signed)
        differing = msgspec.json.decode(beside, type=list[Difference])
        lines = [*told(signed.document, differing), f"signed by {signed.key or 'nobody'}", ""]
        return PlainTextResponse("\n".join(lines))

    async def _certificate(run: int) -> tuple[bytes, bytes]:
        found = await parts.pool.fetchrow(generations.CERTIFICATE, run)
        if found is None or found["certificate"] is None:
            raise NotFound(
                "no-certificate", f"run {run} vouches for nothing: it failed, or is older than certificates",
                field="run", way_out="GET /rebuilds lists the runs and how they ended",
            )  # fmt: skip
        if (beside := found["certified_differences"]) is None:  # made before it was kept beside it
            within = msgspec.json.decode(found["certificate"], type=Signed).document["differences"]
            beside = signing.listed(within)
        return found["certificate"], beside

    @router.delete("/rebuilds/{run}", **answers(RunBegun, 202))
    async def call_off(run: Run, actor: Operates) -> RunBegun:
        """Call a rebuild off: nothing of it stays but the record of the run."""
        if await queries.generation(parts.pool, run) is None:
            raise _unknown(run)
        await generations.cancel(parts.pool, run, actor.id)
        return {"run": run}

    return router


def _until(ends: Mapping[Place, int], offsets: Mapping[str, int]) -> str:
    """Up to where the process is to fold. Raises Refused for a partition that sla does not hear."""
    known = {f"{topic}/{partition}": (topic, partition) for topic, partition in ends}
    for name in offsets:
        if name not in known:
            raise Refused(
                "no-such-partition", f"sla hears nothing of {name}", field="offsets",
                way_out=f"topic/partition, as in {next(iter(known), 'a certificate')}",
            )  # fmt: skip
    wanted = {**ends, **{known[name]: end for name, end in offsets.items()}}
    return f"--until={json.dumps([(*place, end) for place, end in wanted.items()])}"


def _unknown(run: int) -> NotFound:
    return NotFound("no-such-run", f"there was no run {run}", field="run", way_out="GET /rebuilds lists them")


def _vouched(body: dict[str, Any], settings: Settings) -> Certificate:
    """The certificate in it. Raises Refused when it is none of ours or was changed."""
    if settings.onedoor_signing_key is None:
        raise Refused(
            "no-signing-key", "this deployment has no key to compare signatures with",
            way_out="give sla ONEDOOR_SIGNING_KEY, the PEM file of an Ed25519 key",
        )  # fmt: skip
    try:
        signed = msgspec.convert(body, Signed)
        vouched = signing.vouched(signed, signing.public(signing.load_key(settings.onedoor_signing_key)))
        certificate = msgspec.convert(signed.document, Certificate)
    except (msgspec.ValidationError, OverflowError) as invalid:
        raise Refused(
            "no-certificate-of-ours", f"not a certificate: {invalid}", field="document",
            way_out="send the file as `onedoor runs certificate -o` wrote it",
        ) from invalid  # fmt: skip
    if not vouched:
        raise Refused(
            "not-vouched-for", "the certificate was changed after it was signed, or another key signed it",
            field="signature", way_out="take it anew from the system that made it: GET /rebuilds/{run}/certificate",
        )  # fmt: skip
    return certificate
