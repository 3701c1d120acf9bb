"""A broker that asks who is there, told by deploy/kafka/acls.sh: emitter, reader and service may what is theirs."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from confluent_kafka import Consumer, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclBindingFilter, AclOperation, AclPermissionType
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from contracts.allowing import printed
from contracts.given import eventually

from events.contracts.channels import INBOUND
from events.kafka import topics
from local.kafka import choose
from local.kafka.broker import Broker
from local.ports import free_port

pytestmark = pytest.mark.skipif(bool(choose.missing_tools()), reason="no Java or Maven on this machine")

USERS = {"emitter": "SXD", "reader": "board", "intake": "intake"}
TOPICS = (INBOUND, "provincial.events", "provincial.refusals", "routing.events")
NO: Any = None  # of the filter's texts: any
ANY = AclBindingFilter(
    ResourceType.ANY, NO, ResourcePatternType.ANY, NO, NO, AclOperation.ANY, AclPermissionType.ANY
)  # fmt: skip
DENIED = {"TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED"}


class Guarded(Broker):
    """The same broker with a listener more, on which everybody says who they are; whoever is inside may all."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.outside = f"127.0.0.1:{free_port()}"

    def _write_properties(self) -> Path:
        path = super()._write_properties()
        users = " ".join(f'user_{name}="{name}"' for name in USERS.values())
        known = dict(line.split("=", 1) for line in path.read_text().splitlines())
        known |= {
            "listeners": f"{known['listeners']},OUTSIDE://{self.outside}",
            "advertised.listeners": f"{known['advertised.listeners']},OUTSIDE://{self.outside}",
            "listener.security.protocol.map": f"{known['listener.security.protocol.map']},OUTSIDE:SASL_PLAINTEXT",
            "listener.name.outside.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.outside.plain.sasl.jaas.config":
                f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }  # fmt: skip
        path.write_text("".join(f"{name}={value}\n" for name, value in known.items()))
        return path


@pytest_asyncio.fixture
async def guarded(folder: Path) -> AsyncIterator[Guarded]:
    broker = Guarded(folder / "kafka")
    await broker.start()
    await topics.ensure(broker.bootstrap, "", TOPICS)
    given = [binding for role, user in USERS.items() for binding in bindings(role, f"User:{user}")]
    inside = AdminClient({"bootstrap.servers": broker.bootstrap})
    for done in inside.create_acls(given).values():
        done.result(timeout=20)

    async def known() -> bool:
        return len(inside.describe_acls(ANY).result(timeout=20)) == len(given)

    await eventually(known)
    yield broker
    await broker.kill()


def bindings(role: str, principal: str) -> list[AclBinding]:
    """What the script prints, as Kafka's own tool would say it to the brokers."""
    found = []
    for words in printed(role, principal):
        told = list(zip(words[2::2], words[3::2], strict=True))
        pattern = ResourcePatternType.PREFIXED if ("--resource-pattern-type", "prefixed") in told else None
        for what, name in told:
            if what in ("--topic", "--group"):
                kind = ResourceType[what.removeprefix("--").upper()]
                found += [
                    AclBinding(
                        kind,
                        name,
                        pattern or ResourcePatternType.LITERAL,
                        principal,
                        "*",
                        AclOperation[re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).upper()],
                        AclPermissionType.ALLOW,
                    )
                    for option, operation in told
                    if option == "--operation"
                ]
    return found


def as_user(broker: Guarded, role: str, **more: Any) -> dict[str, Any]:
    user = USERS[role]
    return {
        "bootstrap.servers": broker.outside, "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN",
        "sasl.username": user, "sasl.password": user, "log_level": 0,
        **{name.replace("_", "."): value for name, value in more.items()},
    }  # fmt: skip


def write(broker: Guarded, role: str, topic: str) -> str:
    """What became of a record: "done", or the broker's word."""
    became: list[str] = []

    def told(error: Any, _: Message) -> None:
        became.append(error.name() if error else "done")

    producer = Producer(as_user(broker, role))
    producer.produce(topic, b"{}", key=b"k", on_delivery=told)
    producer.flush(20)
    return became[0]


def read(broker: Guarded, role: str, topic: str, group: str) -> str:
    """Whether a record of a topic is got as a member of a group: "done", or the broker's word."""
    consumer = Consumer(as_user(broker, role, group_id=group, auto_offset_reset="earliest"))
    try:
        consumer.subscribe([topic])
        while True:
            message = consumer.poll(20)
            assert message is not None, f"nothing from {topic}"
            if (error := message.error()) is None:
                return "done"
            if error.name() in DENIED:
                return str(error.name())
    finally:
        consumer.close()


def settings(broker: Guarded, role: str, topic: str) -> str:
    """How a topic's records are stamped, after being told to; or the broker's word."""
    admin = AdminClient(as_user(broker, role))
    wanted = ConfigEntry(topics.STAMP, topics.BROKERS, incremental_operation=AlterConfigOpType.SET)
    try:
        (done,) = admin.incremental_alter_configs(
            [ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[wanted])]
        ).values()
        done.result(timeout=20)
        (found,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
        return str(found.result(timeout=20)[topics.STAMP].value)
    except KafkaException as refused:
        return str(refused.args[0].name())


async def test_each_may_what_is_theirs_and_nothing_else(guarded: Guarded) -> None:
    assert write(guarded, "emitter", INBOUND) == "done"
    assert write(guarded, "intake", "provincial.refusals") == "done"
    others = (("emitter", "provincial.events"), ("reader", INBOUND), ("intake", "routing.events"))
    for role, topic in others:
        assert write(guarded, role, topic) == "TOPIC_AUTHORIZATION_FAILED", (role, topic)
    assert read(guarded, "emitter", "provincial.refusals", "SXD.refusals") == "done"
    assert read(guarded, "reader", "provincial.refusals", "board.1") == "done"
    assert read(guarded, "intake", INBOUND, "intake-1") == "done"
    assert [settings(guarded, role, INBOUND) for role in ("intake", "emitter")] == [
        "LogAppendTime", "TOPIC_AUTHORIZATION_FAILED"
    ]  # fmt: skip
    assert read(guarded, "emitter", INBOUND, "SXD.inbound") == "TOPIC_AUTHORIZATION_FAILED"
    assert read(guarded, "emitter", "provincial.refusals", "board.1") == "GROUP_AUTHORIZATION_FAILED"
