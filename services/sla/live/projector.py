"""The live judge: hears a batch, judges the touched cases once, writes rows, timers and changes, publishes verdicts."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import msgspec

from deadlines.inforce import InForce
from deadlines.instants import local_date
from events.commands.amend import CORRECTIONS
from events.contracts.catalogue import Fact
from events.contracts.channels import hears
from events.contracts.sla import GenerationSwapped, VerdictReached
from events.store.database import Connection
from events.store.envelope import Cause, RecordedEvent
from events.store.store import COLUMNS, Append, append, load, recorded_from
from events.subscriptions.follower import INBOX, LONGEST_REASON, START, Entry, Follower, LogPosition, bookmark_of
from events.text_safety import storable
from sla.judging.case import JUDGED, LOOKED_AT
from sla.judging.case_rules import with_published
from sla.judging.corrections import lateness
from sla.judging.judge import Judgement, Rules, judge
from sla.judging.rows import CycleRow, shown
from sla.live import row_store
from sla.publishing.decide import Publish, promise
from sla.publishing.state import Published
from sla.publishing.timers import Timer, timers

NAME = "sla.judge"
HEARS = hears("sla")
WRITES = ("events", "changes")
Stuck = dict[str, str]
"""Cases that could not be judged or written, and why: the code threw."""

# Up to where the judge stands, not up to what is there: so two judges that stand at one place have the same rows,
# whatever was heard while one of them looked. `$3` is the end of what it is at; when it looks again at something that
# lies behind it, its bookmark is further on.
FACTS = f"""
select {COLUMNS} from inbox
where subject = any($1) and type = any($2) and ((epoch, tx, position) <= ($3, $4, $5) or (epoch, tx, position) <= (
    select epoch, tx, position from bookmarks where name = $6 and shard = 0))
order by subject
"""
# What is being applied again just now is a hole no longer, whatever its row still says.
INCOMPLETE = f"""
select distinct subject from parked
where subject = any($1) and settled is null and not (follower = '{NAME}' and place = any($2))
"""
LIVE = "select id, rules from generations where state = 'live'"
# What nobody minds does not count: its bookmark is saved a moment later.
BEYOND = "select exists (select from {table} where (epoch, tx, position) > ($1, $2, $3) {minded})"
MINDED = "and type = any($4)"
CHANGED = """
insert into changes (epoch, subject, data, swap)
select (select epoch from cluster), * from unnest($1::text[], $2::bytea[], $3::text[])
"""
UNTIMED = "delete from timers where case_id = any($1)"
TIMED = ("case_id", "cycle", "clock", "unit", "opened_by", "threshold", "fires_at", "revision", "due")


def minds(heard: RecordedEvent) -> bool:
    """Whether a fact can change what is judged."""
    return type(heard.fact) in LOOKED_AT


def follower(in_force: InForce, *, log_clock: bool) -> Follower[RecordedEvent]:
    """The judge of the live generation. One at a time: its lock is also the lock of `changes`."""

    async def apply(connection: Connection, entries: Sequence[Entry[RecordedEvent]]) -> None:
        touched: dict[str, RecordedEvent] = {}
        for entry in entries:
            before = touched.get(entry.item.subject)
            # Of several news about a case a correction is the one that changes what was published.
            keeps = before is not None and isinstance(before.fact, CORRECTIONS)
            if minds(entry.item) and not (keeps and not isinstance(entry.item.fact, CORRECTIONS)):
                touched[entry.item.subject] = entry.item
        at_hand = [entry.place for entry in entries]
        until = entries[-1].mark
        await rejudge(connection, touched, in_force, log_clock=log_clock, at_hand=at_hand, until=until)

    return Follower(name=NAME, log=INBOX, apply=apply, minds=minds, stuck="park", writes=WRITES, by_set=True)


def building(rules: Rules, generation: int, stuck: Stuck) -> Follower[RecordedEvent]:
    """The judge of a generation that catches up: rows only, nothing is said. What it cannot judge is set aside."""
    name = f"{NAME}@{generation}"

    async def apply(connection: Connection, entries: Sequence[Entry[RecordedEvent]]) -> None:
        touched = {entry.item.subject for entry in entries if minds(entry.item)}
        facts = await _facts(connection, touched, entries[-1].mark, name)
        await row_store.replace(connection, generation, judged(facts, rules, stuck))

    return Follower(name=name, log=INBOX, apply=apply, minds=minds, stuck="halt")


async def caught_up(connection: Connection, name: str = NAME, table: str = "inbox") -> bool:
    """Whether a follower (the live judge) has seen all of its log. Two statements: a join would scan all of it."""
    minded, types = (MINDED, [JUDGED]) if name == NAME else ("", [])
    query = BEYOND.format(table=table, minded=minded)
    return not await connection.fetchval(query, *await bookmark_of(connection, name), *types)


def judged(cases: Mapping[str, Collection[RecordedEvent]], rules: Rules, stuck: Stuck) -> list[Judgement]:
    """Judge these cases, each once. One that the code throws at is set aside with the reason, and the others go on."""
    found = []
    for case_id, facts in cases.items():
        try:
            found.append(judge(facts, rules))
            stuck.pop(case_id, None)
        except Exception as error:
            stuck[case_id] = why(error)
    return found


def why(error: Exception) -> str:
    """An error in a few words that the database can keep."""
    return storable(f"{type(error).__name__}: {error}")[:LONGEST_REASON]


async def _facts(
    connection: Connection, cases: Iterable[str], until: LogPosition, name: str
) -> dict[str, list[RecordedEvent]]:
    rows = await connection.fetch(FACTS, list(cases), JUDGED, *until, name)
    return {case: [recorded_from(row) for row in own] for case, own in groupby(rows, lambda row: str(row["subject"]))}


async def rejudge(
    connection: Connection,
    touched: Mapping[str, RecordedEvent],
    in_force: InForce,
    *,
    log_clock: bool,
    at_hand: Sequence[str] = (),
    until: LogPosition = START,
) -> None:
    """Judge cases again because of a fact, publish what changed, replace their rows. The append comes first.

    `at_hand` are the places of the facts that are being applied: parked before or not, they make no case incomplete.
    `until` is where they end in the inbox: what lies behind it, and behind the judge's bookmark, is not judged yet.

    What published rules revise counts as far as the live generation has it: only a swap moves a due date.
    """
    live = await connection.fetchrow(LIVE)
    assert live is not None
    if live["rules"] > len(in_force.facts):  # another process published and swapped just now
        await in_force.refresh(connection)
    rules = with_published(in_force.catalogue, in_force.facts, live["rules"])
    facts = await _facts(connection, touched, until, NAME)
    judgements = [judge(own, rules) for own in facts.values()]
    parked = {row["subject"] for row in await connection.fetch(INCOMPLETE, list(touched), list(at_hand))}
    published = await _publish(connection, judgements, facts, touched, parked, log_clock=log_clock)
    await row_store.replace(connection, live["id"], judgements)
    cases = [judgement.case_id for judgement in judgements]
    causes = [touched[case] for case in cases]
    swaps = [cause.id if isinstance(cause.fact, GenerationSwapped) else None for cause in causes]
    await connection.execute(CHANGED, cases, [_status(one, one.case_id in parked) for one in judgements], swaps)
    await connection.execute(UNTIMED, cases)
    waiting = [
        (timer.case_id, *timer.deadline, timer.threshold, timer.fires_at, timer.revision, timer.due)
        for judgement in judgements
        if judgement.case_id not in parked and judgement.calendar
        for timer in _timers(judgement, rules, published[judgement.case_id].withdrawn)
    ]
    if waiting:
        await connection.copy_records_to_table("timers", records=waiting, columns=TIMED)


def _timers(judgement: Judgement, rules: Rules, withdrawn: Mapping[str, int]) -> Iterator[Timer]:
    catalogue = rules.catalogue
    due = judgement.cycles[-1].due_at if judgement.cycles else None
    steps = catalogue.escalations_on(local_date(due)) if due else ()
    return timers(judgement, catalogue.calendar(judgement.calendar), withdrawn, steps)


async def _publish(
    connection: Connection,
    judgements: Sequence[Judgement],
    known: Mapping[str, Sequence[RecordedEvent]],
    touched: Mapping[str, RecordedEvent],
    parked: set[str],
    *,
    log_clock: bool,
) -> Mapping[str, Published]:
    past = await load(connection, *(promise.stream(judgement.case_id) for judgement in judgements))
    states: dict[str, Published] = {}
    appends = []
    for judgement in judgements:
        case_id, stream = judgement.case_id, promise.stream(judgement.case_id)
        state, heard = promise.state(past[stream]), touched[judgement.case_id]
        if case_id not in parked and not judgement.incomplete:
            late = lateness(heard, known[case_id])
            publish = Publish(judgement=judgement, because=heard.id, late_seconds=late)
            facts = promise.decide(publish, state)
            if facts:
                heard = _because(facts, judgement, known[case_id], heard)
                cause = Cause(
                    correlation=heard.cause.correlation, causation=heard.id, actor="policy-sla-judge",
                    trace=heard.cause.trace,
                )  # fmt: skip
                appends.append(
                    Append(
                        stream=stream, expected=len(past[stream]), facts=facts, cause=cause, at=heard.at,
                        recorded_at=heard.recorded_at if log_clock else None,
                    )
                )  # fmt: skip
        states[case_id] = state
    if appends:
        for recorded in await append(connection, appends):
            case_id = recorded.subject
            states[case_id] = promise.state([recorded], states[case_id])
    return states


def _because(
    facts: Sequence[Fact], judgement: Judgement, known: Sequence[RecordedEvent], heard: RecordedEvent
) -> RecordedEvent:
    """Why something is published: for a verdict the fact that ended the cycle, whatever else was heard with it."""
    reached = [fact.cycle for fact in facts if isinstance(fact, VerdictReached)]
    ending = judgement.endings[reached[-1] - 1] if reached else None
    return next((fact for fact in known if fact.id == ending), heard)


_encode = msgspec.json.Encoder().encode


def status(case_id: str, *, received: bool, cycles: Iterable[CycleRow]) -> bytes:
    """A case as dashboards and `sla.cases` see it: its cycles as they stand. The revision is added on the way out."""
    told: list[dict[str, Any]] = [shown(row._asdict()) for row in cycles]
    return _encode({"case_id": case_id, "received": received, "cycles": told})


def _status(judgement: Judgement, parked: bool) -> bytes:
    rows = [row._replace(incomplete=True) for row in judgement.cycles] if parked else judgement.cycles
    return status(judgement.case_id, received=judgement.received, cycles=rows)
