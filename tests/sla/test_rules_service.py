"""Rules over HTTP at the running SLA service: previewed, published, heard by others, applied by rebuild and swap."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer
from contracts.given import eventually
from oracle.judging import THURSDAY, received
from oracle.swapped import NEWER, URBAN, swap_file
from oracle.telling import local
from serving import Serving, serving

from deadlines.entries import Service
from deadlines.instants import local_date
from events.clock import now
from intake.app import service as intake_service
from sla.app import service

BACKWARDS = swap_file().model_dump(mode="json", by_alias=True)["calendars"]
BACKWARDS[0]["hours"][0]["sessions"][1] = ["13:30", "00:00"]
LEADER: Any = {"role": "leader", "unit": "PC-QN"}
OPERATOR: Any = {"role": "operator", "unit": "onedoor"}
CLERK: Any = {"role": "receptionist", "unit": "PAC-193"}
FRIDAY = local(7, 14, 17)
STREAM = "rules-published"


@pytest_asyncio.fixture
async def sla(database: Mapping[str, str], kafka: str, topic_prefix: str) -> AsyncIterator[Serving]:
    async with serving(service, database["sla"], kafka, topic_prefix) as at_work:
        yield at_work


def publication(policy: str = "as-revised", **more: Any) -> dict[str, Any]:
    calendars = swap_file().model_dump(mode="json", by_alias=True)["calendars"]
    return {"basis": "1/QD", "policy": policy, "calendars": calendars, **more}


def catalogue(*terms: Any, **limit: Any) -> dict[str, Any]:
    told = [Service.of_terms(one, "1/QD").model_dump(mode="json", by_alias=True) for one in terms]
    return {"basis": "1/QD", "policy": "pinned", "services": [one | limit for one in told]}


async def heard(sla: Serving) -> str:
    """A household's dossier of Monday 10 July 2017, due Thursday."""
    story = received()
    await sla.hear(story.facts[0].stream, 1, story.facts[0].fact, story.facts[0].at)

    async def judged() -> bool:
        return (await sla.get(f"/cases/{story.case_id}")).status == 200

    await eventually(judged)
    return story.case_id


async def due(sla: Serving, case_id: str, query: str = "") -> datetime:
    answer = await sla.get(f"/cases/{case_id}{query}")
    return datetime.fromisoformat(answer.body["cycles"][0]["due_at"])


async def rebuilt(sla: Serving, **body: Any) -> Any:
    run = (await sla.post("/rebuilds", body, **OPERATOR)).body["run"]

    async def ended() -> Any:
        how = (await sla.get(f"/rebuilds/{run}", **OPERATOR)).body
        return how if how["state"] != "running" else None

    return await eventually(ended, within=60)


async def test_a_swap_day_is_previewed_published_and_applied_by_rebuild(sla: Serving) -> None:
    """No due date moves before somebody has accepted the swap; yesterday stays what it was."""
    case_id = await heard(sla)
    preview = await sla.post("/rules/calendars?preview=true", publication(), **LEADER)
    assert (preview.status, preview.body["impact"]["due_moved"], preview.body["facts"]) == (200, 1, [])
    assert await sla.past(STREAM) == []

    said = await sla.post("/rules/calendars", publication(), **LEADER)
    assert said.status == 201, said.body
    (fact,) = await sla.past(STREAM)
    assert fact.fact is not None
    assert (fact.type, fact.fact.calendar.id, fact.fact.policy) == ("CalendarPublished", "VN-PAC@2017.2", "as-revised")
    impact = {name: count for name, count in preview.body["impact"].items() if name != "units"}
    assert {name: getattr(fact.fact.impact, name) for name in impact} == impact
    assert await due(sla, case_id) == THURSDAY
    explained = (await sla.get(f"/cases/{case_id}/explain")).body
    assert datetime.fromisoformat(explained["cycles"][0]["row"]["due_at"]) == THURSDAY

    refused = await rebuilt(sla)
    assert (refused["state"], await due(sla, case_id)) == ("failed", THURSDAY)
    swapped = await rebuilt(sla, accept_differences=True)
    assert (swapped["swapped"], swapped["differences"]) == (True, 1)
    assert await due(sla, case_id) == FRIDAY
    assert await due(sla, case_id, "?as_of=2017-07-20") == THURSDAY  # published later than that
    assert await due(sla, case_id, f"?as_of={local_date(now())}") == FRIDAY
    again = await rebuilt(sla)
    assert (again["swapped"], again["differences"]) == (True, 0)
    third = swap_file("VN-PAC@2017.3").model_dump(mode="json", by_alias=True)["calendars"]
    pinned = await sla.post("/rules/calendars?preview=true", publication("pinned", calendars=third), **LEADER)
    assert pinned.body["impact"]["due_moved"] == 0


async def test_a_publication_is_said_once_and_by_a_leader(sla: Serving) -> None:
    """A repeat says nothing; an operator may suppose, not publish."""
    await heard(sla)
    first = await sla.post("/rules/calendars", publication("pinned"), Idempotency_Key="k1", **LEADER)
    assert (first.status, first.body["impact"]["due_moved"]) == (201, 0)
    for key in ("k1", "k2"):
        again = await sla.post("/rules/calendars", publication("pinned"), Idempotency_Key=key, **LEADER)
        assert again.status == 201, again.body
    assert len(await sla.past(STREAM)) == 1
    assert (await sla.post("/rules/calendars", publication(), **OPERATOR)).status == 403
    assert (await sla.post("/what-if", {"policy": "pinned"}, **CLERK)).status == 403


@pytest.mark.parametrize(
    ("path", "body", "rule", "field"),
    [
        ("/rules/catalogue", catalogue(NEWER), "overlapping-versions", "services.yaml: LV-RES-URBAN"),
        ("/rules/catalogue", catalogue(URBAN, limit={"amount": 9, "unit": "working_days"}), "two-contents",
         "given: services"),
        ("/rules/catalogue", catalogue(URBAN, limit={"amount": 3}), "invalid-request", "services.0.limit.unit"),
        ("/rules/catalogue", catalogue(NEWER, id="NEW@2018-01-01", calendar="VN-PAC@2099.1"), "unknown-id",
         "services.yaml: NEW@2018-01-01: calendar"),
        ("/rules/calendars", publication(policy="maybe"), "invalid-request", "policy"),
        ("/rules/calendars", publication(calendars=[]), "invalid-request", "calendars"),
        ("/rules/calendars", publication(basis="a sentence with spaces"), "invalid-request", "basis"),
        ("/rules/calendars", publication(calendars=BACKWARDS), "invalid-request", "calendars.0.hours.0.sessions.1"),
        ("/what-if", {"calendars": BACKWARDS}, "invalid-request", "calendars.0.hours.0.sessions.1"),
        ("/what-if", {}, "nothing-supposed", "calendars"),
        ("/what-if", {"services": catalogue(NEWER)["services"]}, "overlapping-versions", "services.yaml: LV-RES-URBAN"),
    ],
)  # fmt: skip
async def test_a_wrong_rule_is_refused_and_nothing_changes(
    sla: Serving, path: str, body: Any, rule: str, field: str
) -> None:
    """Naming field and rule; no fact, no run."""
    answer = await sla.post(path, body, **LEADER)
    assert answer.status == 422, answer.body
    assert (answer.body["type"].rpartition(":")[2], answer.body["field"]) == (rule, field)
    assert answer.body["way_out"]
    assert await sla.past(STREAM) == []
    assert (await sla.get("/what-if", **OPERATOR)).body == []


async def test_answers_of_a_day_say_whether_they_are_final(sla: Serving) -> None:
    """Every query takes a day; before the watermark it is provisional; what was unknown then is not found."""
    case_id = await heard(sla)
    for path in (f"/cases/{case_id}?", f"/cases/{case_id}/explain?", "/cases?", "/overdue?",
                 "/record?from=2017-07-01&to=2017-08-01&"):  # fmt: skip
        answer = await sla.get(f"{path}as_of=2100-01-01")
        assert (answer.status, answer.body["final"], answer.body["standing"]) == (200, False, "provisional"), path
    overdue = (await sla.get("/overdue?as_of=2017-07-14")).body
    assert [row["case_id"] for row in overdue["overdue"]] == [case_id]
    assert (await sla.get("/overdue?as_of=2017-07-12")).body["overdue"] == []
    assert (await sla.get(f"/cases/{case_id}?as_of=2017-07-09")).status == 404
    assert (await sla.get(f"/cases/{case_id}?as_of=yesterday")).status == 422


async def test_another_service_hears_what_is_published(
    sla: Serving, database: Mapping[str, str], kafka: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One record on the single partition; the counter's next receipt names the calendar that revised the old one."""
    for name in ("api_url", "oauth_url", "app_id", "app_secret", "oa_secret", "refresh_token"):
        monkeypatch.setenv(f"ZALO_{name.upper()}", "http://127.0.0.1:9")
    async with serving(intake_service, database["intake"], kafka, topic_prefix) as door:
        assert (await sla.post("/rules/calendars", publication(), **LEADER)).status == 201
        consumer = AIOKafkaConsumer(
            f"{topic_prefix}rules.events", bootstrap_servers=kafka, auto_offset_reset="earliest"
        )
        await consumer.start()
        record = await consumer.getone()
        assert (record.partition, json.loads(record.value)["type"]) == (0, "onedoor.CalendarPublished.v1")
        assert consumer.partitions_for_topic(record.topic) == {0}
        await consumer.stop()

        async def pinned() -> str:
            papers = ["request-form", "identity", "land-use-right"]
            who = {"name": "Nguyễn Thị Thử", "phone": "0203123456", "address": "Số 1 phố Thử"}
            answer = await door.post(
                "/applications",
                {
                    "counter": "PAC-193",
                    "service": URBAN.id,
                    "district": "DL-193",
                    "documents": papers,
                    "applicant": who,
                },
                **CLERK,
            )
            (fact, *_) = await door.past(f"case-{answer.body['case_id']}")
            assert fact.fact is not None
            return str(fact.fact.promise.calendar)

        async def renewed() -> bool:
            return await pinned() == "VN-PAC@2017.2"

        await eventually(renewed)
