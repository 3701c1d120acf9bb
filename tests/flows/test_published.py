"""What is on the topics is what the AsyncAPI document tells others to expect."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from flows.dossier import receive
from flows.house import House
from pydantic import TypeAdapter

from events.contracts.standing import CaseStatus, Watermark
from events.errors import Unreadable
from events.kafka.cloudevent import from_cloudevent
from events.kafka.topics import CASES, HEARTBEATS
from events.schemas.files import ASYNCAPI
from events.schemas.schemas import identity

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="session")]
DOCUMENT = yaml.safe_load((Path(__file__).parents[2] / "docs" / ASYNCAPI).read_text())
STANDING: dict[str, TypeAdapter[Any]] = {CASES: TypeAdapter(CaseStatus), HEARTBEATS: TypeAdapter(Watermark)}


async def test_every_record_is_one_that_the_document_describes(house: House) -> None:
    """On its channel, under its key. What other tests wrote behind the services' backs is none of ours."""
    it = await receive(house, "2017-07-27 09:10", "PAC-194", "TERMINATION@2017-07-01")
    await it.released("2017-07-27 15:00")
    seen: dict[str, set[str]] = {topic: set() for topic in DOCUMENT["channels"]}
    for record in await house.every_record():
        topic = record.topic.removeprefix(house.topic(""))
        if topic in STANDING:
            if record.value is not None:
                stands = STANDING[topic].validate_json(record.value, extra="forbid")
                seen[topic].add(type(stands).__name__)
            continue
        try:
            fact = from_cloudevent(record.value)
        except Unreadable:
            continue
        if fact.fact is not None and fact.stream.partition("-")[0] != "foreign":
            assert record.key == fact.subject.encode()
            seen[topic].add(identity(fact.type, fact.schema))
    assert "ApplicationReceived.v1" in seen["intake.events"]
    assert "CaseStatus" in seen[CASES]
    for topic, names in seen.items():
        assert names <= set(DOCUMENT["channels"][topic]["messages"]), topic
