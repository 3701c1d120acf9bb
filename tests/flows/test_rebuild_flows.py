"""Everything folded again from Kafka beside the live tables: equal, swapped, and nobody is told anything twice."""

import asyncio
import json
from typing import Any

import pytest
from contracts.given import eventually
from flows.dossier import Dossier, receive
from flows.house import House
from flows.test_commands import onedoor

from events.contracts.sla import VerdictAmended
from events.signing import digest
from events.store import database as postgres_of
from events.store.envelope import Cause
from events.store.store import Append, append, load
from local.demo.doors import OPERATOR

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="session")]
DAMAGE = """
update sla.cycles set class_a = 'overdue'
where case_id = $1 and generation = (select id from sla.generations where state = 'live')
"""

DISMISSED = """
insert into sla.parked (follower, subject, place, reason, body, settled)
values ('hear', $1, $2, 'of old', '', 'dismissed')
"""


async def finished(house: House, at: str, day: str) -> Dossier:
    """A contract that is drafted in a day."""
    it = await receive(house, f"{day} {at}", "PAC-194", "TERMINATION@2017-07-01")
    await it.released(f"{day} 16:00")
    return it


async def test_a_rebuild_while_dossiers_move_is_equal_and_swapped(house: House) -> None:
    """No difference at the cut, one swap, the dossiers of meanwhile in the new tables, each message once."""
    await finished(house, "08:00", "2017-07-21")
    before, said = await house.sent(), await house.swaps()
    moving = asyncio.create_task(several(house))
    how = await house.rebuilt()
    others = await moving
    assert (how["state"], how["swapped"], how["differences"]) == ("done", True, 0), how
    assert how["cases"] > 0
    assert await house.swaps() == [*said, how["run"]]
    for it in others:
        assert (await it.cycle())["by_date"] == "ahead"
        assert await it.types("promise") == ["VerdictReached"]
    after = await house.sent()
    assert after["accepted"] - before["accepted"] == len(others)  # one hand-over each, told once
    assert after["repeated"] == before["repeated"]


async def several(house: House) -> list[Dossier]:
    return [await finished(house, f"08:{10 + minute}", "2017-07-21") for minute in range(4)]


async def test_a_rebuild_tells_nobody_anything(house: House) -> None:
    """Nothing moves: no message, no verdict, no warning; only that the generation was swapped."""
    sent, said = await house.sent(), await house.facts("case", "route", "workorder", "promise", "message")
    how = await house.rebuilt()
    assert (how["swapped"], how["differences"]) == (True, 0), how
    assert await house.sent() == sent
    assert await house.facts("case", "route", "workorder", "promise", "message") == said


async def test_a_damaged_row_stops_the_swap_until_somebody_accepts_it(house: House) -> None:
    """A faulty version published a verdict that the facts do not bear: found, refused, accepted, amended once."""
    it, other = await finished(house, "08:40", "2017-07-21"), await finished(house, "08:50", "2017-07-21")
    cycle = await it.cycle()
    await house.sql(DAMAGE, it.code)
    await wrongly_published(house, it)
    assert (await it.cycle())["by_date"] == "overdue"
    said = await house.swaps()

    refused = await house.rebuilt()
    assert (refused["state"], refused["swapped"]) == ("failed", False)
    assert "Unexplained" in refused["error"]
    assert it.code in refused["error"]
    assert (await it.cycle())["by_date"] == "overdue"
    assert await house.swaps() == said

    accepted = await house.rebuilt(accept=True)
    assert (accepted["swapped"], accepted["differences"]) == (True, 1)
    assert (await it.cycle()) == cycle
    assert await house.swaps() == [*said, accepted["run"]]
    assert await it.types("promise") == ["VerdictReached", "VerdictAmended", "VerdictAmended"]
    amended = (await it.said("promise"))[-1].data
    assert (amended["was_by_date"], amended["by_date"]) == ("overdue", "ahead")
    assert amended["because"] == f"generation-{accepted['run']}@1"
    assert await other.types("promise") == ["VerdictReached"]

    again = await house.rebuilt()
    assert (again["swapped"], again["differences"]) == (True, 0)
    assert len(await it.types("promise")) == 3


async def test_a_trial_says_what_differs_and_swaps_nothing(house: House) -> None:
    """Nothing is said, the live tables stay, and nothing is left of it but the record of the run."""
    it = await finished(house, "09:00", "2017-07-21")
    equal = await house.rebuilt(dry_run=True)
    assert (equal["state"], equal["swapped"], equal["differences"]) == ("done", False, 0), equal
    await house.sql(DAMAGE, it.code)
    said = await house.swaps()

    trial = await house.rebuilt(dry_run=True)
    assert (trial["state"], trial["swapped"], trial["differences"]) == ("done", False, 1), trial
    assert (trial["dry_run"], trial["actor"], trial["rows"]) == (True, "staff-onedoor-01", equal["rows"])
    assert trial["hash"] == equal["hash"]
    assert (await it.cycle())["by_date"] == "overdue"
    assert await house.swaps() == said
    await dropped(house, trial["run"])

    accepted = await house.rebuilt(accept=True)
    assert (accepted["swapped"], accepted["differences"], accepted["hash"]) == (True, 1, trial["hash"])
    assert (await it.cycle())["by_date"] == "ahead"


async def test_the_certificate_says_from_what_and_how_a_dossier_differs(house: House) -> None:
    """Every partition up to its end, the verdict before and after, and the fact that was heard last."""
    it = await finished(house, "09:10", "2017-07-21")
    await house.sql(DAMAGE, it.code)
    trial = await house.rebuilt(dry_run=True)
    told = (await certificate(house, trial["run"]))["document"]
    assert (told["generation"], told["swapped"], told["asked_by"]) == (trial["run"], False, "staff-onedoor-01")
    heard = (await house.get("sla", "/followers"))["heard"]
    assert {(one["topic"], one["partition"]): one["end"] for one in told["partitions"]} == {
        (topic, int(number)): end for topic, places in heard.items() for number, end in places.items()
    }
    assert all(one["records"] == one["end"] - one["first"] for one in told["partitions"])
    assert told["records"] == sum(one["records"] for one in told["partitions"])
    assert told["folded"] == told["compared"] == {"rows": trial["rows"], "hash": trial["hash"]}
    (difference,) = beside = await house.get("sla", f"/rebuilds/{trial['run']}/differences")
    assert told["differences"] == {"count": 1, "digest": digest(beside)}
    assert (difference["case_id"], difference["heard"]) == (it.code, (await it.said("route"))[-1].id)
    assert [cycle["by_date"] for cycle in difference["before"]] == ["overdue"]
    assert [cycle["by_date"] for cycle in difference["after"]] == ["ahead"]
    assert (await house.rebuilt(accept=True))["swapped"]


async def test_the_same_records_give_the_same_hash_whoever_folds_them(house: House) -> None:
    """A certificate is verified after more has happened, by a throttled run as well; an edited one is refused."""
    await finished(house, "09:20", "2017-07-21")
    signed = await certificate(house, (await house.rebuilt(dry_run=True))["run"])
    await finished(house, "09:30", "2017-07-21")
    again = await house.ended((await house.doors.post("sla", "/certificates", signed, who=OPERATOR))["run"])
    assert (again["state"], again["swapped"]) == ("done", False), again
    assert (again["rows"], again["hash"]) == tuple(signed["document"]["folded"].values())
    slow = {"dry_run": True, "workers": 1, "throttle": 40}
    assert (await house.ended((await house.doors.post("sla", "/rebuilds", slow, who=OPERATOR))["run"]))["hash"]

    for change in ("generation", "cases", "code"):
        edited = {**signed, "document": {**signed["document"], change: signed["document"]["asked_by"]}}
        refused = await house.ask("sla", "/certificates", edited)
        assert refused.status == 422, refused
    other = {**signed, "document": {**signed["document"], "cases": 0}}
    refused = await house.ask("sla", "/certificates", other)
    assert (refused.status, refused.body["type"]) == (422, "urn:onedoor:problem:not-vouched-for"), refused


async def test_a_rebuild_over_a_record_that_cannot_be_read_wants_a_reason(house: House) -> None:
    """Refused, naming the place; swapped with a reason, which the certificate keeps beside the hole."""
    it = await finished(house, "09:40", "2017-07-21")
    await house.write("field.events", it.code, b"not a fact")
    said = await house.swaps()
    refused = await house.rebuilt(holes=None)
    assert (refused["state"], refused["swapped"]) == ("failed", False), refused
    assert "count in nothing, the first is " in refused["error"]
    assert await house.swaps() == said
    accepted = await house.rebuilt(holes="truncated-record")
    assert (accepted["swapped"], accepted["differences"]) == (True, 0), accepted
    told = (await certificate(house, accepted["run"]))["document"]
    assert told["holes_accepted"] == "truncated-record"
    assert any(hole["reason"].startswith("not a CloudEvent of ours") for hole in told["holes"]), told["holes"]
    assert told["unreadable"] >= 1


async def test_what_was_dismissed_counts_in_nothing_even_if_it_can_be_read_today(house: House) -> None:
    """A later version reads it: the inbox goes on without it, and so does every rebuild."""
    it = await finished(house, "09:50", "2017-07-21")
    last = (await it.said("route"))[-1]
    (record,) = [one for one in await house.every_record() if one.value and f'"{last.id}"'.encode() in one.value[:200]]
    place = f"{record.topic}/{record.partition}/{record.offset}"
    await house.sql(DISMISSED, it.code, place)
    trial = await house.rebuilt(dry_run=True)
    told = (await certificate(house, trial["run"]))["document"]
    assert place in told["dismissed"]
    (difference,) = await house.get("sla", f"/rebuilds/{trial['run']}/differences")
    assert (difference["case_id"], [cycle["outcome"] for cycle in difference["after"]]) == (it.code, ["open"])
    await house.sql("delete from sla.parked where place = $1", place)
    assert (await house.rebuilt(dry_run=True))["differences"] == 0


async def certificate(house: House, run: int) -> Any:
    return await house.get("sla", f"/rebuilds/{run}/certificate")


async def dropped(house: House, run: int) -> None:
    """Until no table of a generation is there: a run that has ended clears up behind it."""
    query = "select tablename from pg_tables where schemaname = 'sla' and tablename like $1"

    async def gone() -> bool:
        return not await house.sql(query, f"%_{run}")

    await eventually(gone)


async def test_a_run_that_is_called_off_leaves_its_record_and_the_live_tables(house: House) -> None:
    """By whom is kept; a second time there is nothing to call off; the next run succeeds."""
    said = await house.swaps()
    run = (await house.ask("sla", "/rebuilds", {})).body["run"]
    called_off = await house.ask("sla", f"/rebuilds/{run}", method="DELETE")
    assert called_off.status == 202, called_off
    how = await house.ended(run)
    assert (how["state"], how["error"]) == ("cancelled", "called off by staff-onedoor-01")
    await dropped(house, run)
    assert await house.swaps() == said
    again = await house.ask("sla", f"/rebuilds/{run}", method="DELETE")
    assert (again.status, again.body["type"]) == (409, "urn:onedoor:problem:not-running"), again
    assert (await house.rebuilt())["swapped"]


async def test_one_dossier_is_put_right_and_no_other_touched(house: House) -> None:
    """Folded alone, compared alone, refused until accepted, amended once; the live generation stays."""
    it, other = await finished(house, "09:40", "2017-07-21"), await finished(house, "09:50", "2017-07-21")
    right = await it.cycle()
    for one in (it, other):
        await house.sql(DAMAGE, one.code)
        await wrongly_published(house, one)
    said = await house.swaps()

    refused = await house.rebuilt(holes=None, cases=[it.code])
    assert (refused["state"], it.code in refused["error"], refused["cases"]) == ("failed", True, 1), refused
    done = await house.rebuilt(holes=None, cases=[it.code], accept=True)
    assert (done["state"], done["swapped"], done["put_right"], done["differences"]) == ("done", False, True, 1), done
    assert await it.cycle() == right
    assert (await other.cycle())["by_date"] == "overdue"
    assert await house.swaps() == said
    await dropped(house, done["run"])
    assert await it.types("promise") == ["VerdictReached", "VerdictAmended", "VerdictAmended"]
    act = next(fact for fact in await house.facts("operation") if fact.data["target"] == f"generation/{done['run']}")
    assert (act.data["act"], (await it.said("promise"))[-1].data["because"]) == ("cases-rebuilt", act.id)

    vouched = await certificate(house, done["run"])
    assert (vouched["document"]["named"], vouched["document"]["put_right"]) == ([it.code], True)
    assert not vouched["document"]["swapped"]
    again = await house.ended((await house.ask("sla", "/certificates", vouched)).body["run"])
    assert again["hash"] == vouched["document"]["folded"]["hash"]
    equal = await house.rebuilt(holes=None, cases=[it.code], dry_run=True)
    assert (equal["differences"], equal["put_right"]) == (0, False)
    assert (await house.rebuilt(accept=True))["differences"] == 1


async def wrongly_published(house: House, it: Dossier) -> None:
    """As a faulty version of the service would have said it."""
    assert house.stack.databases is not None
    pool = await postgres_of.connect(house.stack.databases.services["sla"], size=2)
    stream = f"promise-{it.code}"
    async with pool.acquire() as connection:
        past = (await load(connection, stream))[stream]
        right = past[-1].fact
        assert right is not None
        wrong = VerdictAmended(
            case_id=it.code, cycle=1, due=right.due, released=right.released, by_date="overdue", by_session="ahead",
            by_766=right.by_766, was_by_date="ahead", was_by_session="ahead", was_by_766="on-time",
        )  # fmt: skip
        cause = Cause(correlation="faulty", causation="faulty", actor="policy-sla-judge")
        saying = Append(
            stream=stream, expected=len(past), facts=[wrong], cause=cause, at=past[-1].at,
            recorded_at=past[-1].recorded_at,
        )  # fmt: skip
        await append(connection, [saying])
    await pool.close()
    await house.settled()


async def test_the_same_rows_come_of_kafka_of_segments_and_of_the_inbox(house: House) -> None:
    """One log, read three ways: the same hash, dossiers put right, the same swap."""
    it = await finished(house, "10:00", "2017-07-21")
    code, _, err = await onedoor(house, "events", "export")
    assert code == 0, err
    other = await finished(house, "10:10", "2017-07-21")  # came after the export
    runs = [await house.rebuilt(dry_run=True, source=one) for one in ("kafka", "segments", "inbox")]
    assert [(one["state"], one["differences"], one["error"]) for one in runs] == [("done", 0, None)] * 3
    assert len({(one["rows"], one["hash"], one["cases"]) for one in runs}) == 1
    whole, exported, heard = [(await certificate(house, one["run"]))["document"] for one in runs]
    assert (whole["source"], exported["source"], heard["source"]) == ("kafka", "segments", "inbox")
    assert whole["folded"] == exported["folded"] == heard["folded"]
    assert whole["partitions"] == exported["partitions"]
    assert [one["end"] for one in heard["partitions"]] == [one["end"] for one in whole["partitions"]]
    again = await certificate(house, runs[2]["run"])  # what was folded from the inbox is what the log says
    verified = await house.ended((await house.doors.post("sla", "/certificates", again, who=OPERATOR))["run"])
    assert (verified["rows"], verified["hash"]) == tuple(heard["folded"].values())

    for source in ("inbox", "segments"):
        await house.sql(DAMAGE, it.code)
        await house.sql(DAMAGE, other.code)
        mended = await house.rebuilt(accept=True, cases=[it.code, other.code], source=source)
        assert (mended["put_right"], mended["differences"]) == (True, 2), mended
    said = await house.swaps()
    swapped = await house.rebuilt(source="inbox")
    assert (swapped["swapped"], swapped["differences"]) == (True, 0), swapped
    assert await house.swaps() == [*said, swapped["run"]]


async def test_a_trial_up_to_an_instant_or_offsets_is_compared_with_nothing(house: House) -> None:
    """What was recorded by then; nothing of it is swapped, and its certificate is verified like any other."""
    await finished(house, "10:20", "2017-07-21")
    code, out, err = await onedoor(house, "sla", "rebuild", "--until", "2017-07-01", "--json")
    assert code == 0, err
    assert (json.loads(out)["cases"], json.loads(out)["rows"]) == (0, 0)
    it = await receive(house, "2017-07-24 08:00")
    await house.settled()
    assert (await onedoor(house, "events", "export"))[0] == 0
    by_source = []
    for source in ("kafka", "inbox", "segments"):
        words = ("sla", "rebuild", "--until", "2017-07-24T07:59:59", "--from", source, "--json")
        code, out, err = await onedoor(house, *words)
        assert code == 0, err
        by_source.append(json.loads(out))
    assert len({(one["rows"], one["hash"], one["cases"]) for one in by_source}) == 1
    now = await house.rebuilt(dry_run=True)
    assert 0 < by_source[0]["cases"] < now["cases"]
    signed = await certificate(house, by_source[0]["run"])
    assert signed["document"]["known_on"] == "2017-07-24T00:59:59Z"
    verified = await house.ended((await house.doors.post("sla", "/certificates", signed, who=OPERATOR))["run"])
    assert verified["hash"] == by_source[0]["hash"]

    partitions = (await certificate(house, now["run"]))["document"]["partitions"]
    places = [f"{one['topic']}/{one['partition']}=0" for one in partitions]
    code, out, _ = await onedoor(house, "sla", "rebuild", "--until", ",".join(places), "--json")
    assert (code, json.loads(out)["cases"]) == (0, 0)
    code, _, err = await onedoor(house, "sla", "rebuild", "--until", "nowhere/3=7")
    assert (code, "sla hears nothing of nowhere/3" in err) == (1, True), err
    code, _, err = await onedoor(house, "sla", "rebuild", "--until", "intake.events/0=x")
    assert (code, "is not topic/partition=offset" in err) == (1, True), err
    refused = await house.ask("sla", "/rebuilds", {"source": "inbox", "offsets": {"a/1": 2}})
    assert refused.status == 422, refused
    assert (await it.cycle())["outcome"] == "open"
