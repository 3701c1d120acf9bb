"""What is committed under docs/ is what the code says, and it names everything that is on the topics."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from pydantic import TypeAdapter

from events.contracts import CATALOGUE
from events.contracts.channels import CHANNELS, SERVICES, TOPIC, Channel, hears, module_of, says, sources
from events.contracts.standing import CaseStatus, Watermark
from events.kafka.cloudevent import CloudEvent, from_cloudevent
from events.kafka.topics import COMPACTED, FOREVER, LOG_TOPICS, partitions_in, topic_of
from events.schemas.files import ASYNCAPI, SCHEMAS, by_name, files
from events.schemas.schemas import ABOUT, ENVELOPE
from sla.live.projector import status

CHECKOUT = Path(__file__).parents[2]
DOCS = CHECKOUT / "docs"
GOLDENS = by_name(Path(__file__).parent / "goldens")
MADE = files(GOLDENS, by_name(DOCS / SCHEMAS))
DOCUMENT = yaml.safe_load(MADE[ASYNCAPI])


@pytest.mark.parametrize("name", MADE)
def test_what_is_committed_is_what_the_code_says(name: str) -> None:
    there = (DOCS / name).read_text() if (DOCS / name).exists() else ""
    assert there == MADE[name], f"docs/{name} is not current: run `onedoor contracts write`"


def test_no_schema_is_committed_that_the_code_does_not_know() -> None:
    """Those of retired numbers stay; a fact that is no more in the catalogue is what `contracts check` refuses."""
    known = {(name, schema) for name, entry in CATALOGUE.items() for schema in range(1, entry.schema + 1)}
    assert set(by_name(DOCS / SCHEMAS)) == known
    assert {path.name for path in (DOCS / SCHEMAS).iterdir()} == {
        f"{ENVELOPE}.json", *(f"{name}.v{schema}.json" for name, schema in known)
    }  # fmt: skip


def test_the_same_code_makes_the_same_bytes() -> None:
    assert files(GOLDENS, {}) == files(GOLDENS, {})


def test_every_fact_is_said_on_a_channel_and_every_channel_goes_by_its_streams() -> None:
    """A module of facts that no channel names would be said nowhere, and be in no document."""
    assert {module_of(entry) for entry in CATALOGUE.values()} == {name for one in CHANNELS for name in one.facts}
    assert {one.topic for one in CHANNELS if one.facts} == set(LOG_TOPICS) == set(TOPIC.values())
    for service in SERVICES:
        assert topic_of(f"operation-{service}-1") in says(service)
        assert not set(says(service)) & set(hears(service))


def channel_of(topic: str) -> Channel:
    return next(one for one in CHANNELS if one.topic == topic)


def test_the_document_tells_of_each_channel_what_its_topic_is() -> None:
    for topic, channel in DOCUMENT["channels"].items():
        told = channel["bindings"]["kafka"]
        assert channel["address"] == topic
        assert told["partitions"] == partitions_in(topic)
        made = COMPACTED if channel_of(topic).compacted else FOREVER
        kept = {name: one[0] if isinstance(one, list) else str(one) for name, one in told["topicConfiguration"].items()}
        assert kept == made


def test_the_document_has_an_operation_for_all_that_a_service_says_and_hears() -> None:
    told = {(name.split(".")[0], name.split(".")[1], one["channel"]["$ref"].rpartition("/")[2], one["action"])
            for name, one in DOCUMENT["operations"].items()}  # fmt: skip
    standing = {(service, "says", "heartbeats", "send") for service in SERVICES}
    said = {(service, "says", topic, "send") for service in SERVICES for topic in says(service)}
    heard = {(service, "hears", topic, "receive") for service in SERVICES for topic in hears(service)}
    others = {("sla", "hears", "heartbeats", "receive"), ("intake", "hears", "provincial.inbound", "receive")}
    assert told == said | heard | standing | others


def test_all_that_a_service_hears_is_said_by_services_that_have_a_watermark() -> None:
    """A topic that nobody vouches for would hold back whoever waits for all of them."""
    for service in SERVICES:
        said = [topic for source, topics in sources(service).items() for topic in topics if source in SERVICES]
        assert sorted(said) == sorted(hears(service))
    assert sources("sla")["intake"] == ("intake.events", "provincial.events")


def test_every_reference_of_the_document_leads_somewhere() -> None:
    for reference in _references(DOCUMENT):
        found: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found


def _references(of: Any) -> Iterator[str]:
    if isinstance(of, dict):
        for name, one in of.items():
            yield from [one] if name == "$ref" else _references(one)
    elif isinstance(of, list):
        for one in of:
            yield from _references(one)


def test_every_attribute_of_the_envelope_is_told_of() -> None:
    schema = json.loads(MADE[f"{SCHEMAS}/{ENVELOPE}.json"])
    attributes = set(CloudEvent.__struct_fields__)
    assert set(schema["properties"]) == attributes == set(ABOUT)
    assert set(schema["required"]) == attributes - {"traceparent", "datacontenttype"}


def test_the_envelopes_example_is_a_record_that_is_read() -> None:
    (example,) = json.loads(MADE[f"{SCHEMAS}/{ENVELOPE}.json"])["examples"]
    recorded = from_cloudevent(json.dumps(example).encode())
    assert recorded.fact is not None
    assert recorded.id == example["id"]


def test_the_compacted_topics_hold_what_their_schemas_say() -> None:
    """As `sla.live.change_feed` and the heartbeat write them."""
    case = b'{"revision":7,' + status("000.00.22.H49-170710-0001", received=True, cycles=[])[1:]
    assert TypeAdapter(CaseStatus).validate_json(case, strict=False, extra="forbid").revision == 7
    beat = msgspec.json.encode({"service": "intake", "watermark": datetime(2017, 7, 10, tzinfo=UTC)})
    assert TypeAdapter(Watermark).validate_json(beat, extra="forbid").service == "intake"
