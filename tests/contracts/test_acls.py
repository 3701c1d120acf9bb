"""Who may write and read which topic: every topic has its writers and readers, and the script says the same."""

import subprocess

import pytest
from contracts.allowing import printed

from events.contracts.channels import CHANNELS, INBOUND, SERVICES, Channel
from events.schemas.acls import EMITTER, OPERATOR, READER, ROLES, SCRIPT, grants
from local.places import CHECKOUT


def may(operation: str, topic: str) -> set[str]:
    return {role for role in ROLES if operation in grants(role).topics.get(topic, ())}


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda one: one.topic)
def test_a_topic_is_written_by_those_who_say_it_and_read_by_those_who_hear_it(channel: Channel) -> None:
    assert may("Write", channel.topic) == (set(channel.said_by) or {EMITTER})
    outside = {EMITTER, READER} if channel.open else set()
    assert may("Read", channel.topic) == {*channel.said_by, *channel.heard_by, OPERATOR} | outside


def test_a_stranger_writes_what_it_sends_and_changes_nothing_else() -> None:
    for role in (EMITTER, READER, OPERATOR):
        done = {(operation, topic) for topic, all in grants(role).topics.items() for operation in all}
        assert {one for one in done if one[0] != "Read"} == ({("Write", INBOUND)} if role == EMITTER else set())
    assert "Read" not in grants(EMITTER).topics[INBOUND]


@pytest.mark.parametrize("role", ROLES)
def test_the_script_gives_what_the_role_has_and_nothing_more(role: str) -> None:
    given: dict[str, set[str]] = {}
    groups: list[str] = []
    for words in printed(role, "User:SXD", prefix="t."):
        assert words[:4] == ["kafka-acls.sh", "--add", "--allow-principal", "User:SXD"]
        told = list(zip(words[4::2], words[5::2], strict=True))
        operations = {value for name, value in told if name == "--operation"}
        given |= {value: operations for name, value in told if name == "--topic"}
        groups += [value for name, value in told if name == "--group"]
    assert given == {f"t.{topic}": set(all) for topic, all in grants(role).topics.items()}
    assert groups == [one.replace("${PREFIX}", "t.").replace("$name", "SXD") for one in grants(role).groups]


def test_groups_of_one_are_no_others() -> None:
    """Prefixed as they are given: no name that one may use begins as those of another do."""
    own = [one for role in SERVICES for one in grants(role).groups]
    assert not any(one != other and one.startswith(other) for one in own for other in own)


def test_a_role_that_nobody_has_is_refused() -> None:
    done = subprocess.run(
        ["bash", CHECKOUT / "deploy" / SCRIPT, "owner", "User:x"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, "acls.sh: there is no role owner\n")
