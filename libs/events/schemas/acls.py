"""Who may write and read which topic, made from the channels: the command lines with which Kafka is told. Pure.

A service may make the topics that it says or hears, for the first one to start does, and drop those of its own facts,
for `onedoor republish` writes them anew. To describe is in each of these. Of a topic that others write to, who hears it
sees to it that the broker stamps its records.
"""

import textwrap
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from events.contracts.channels import CHANNELS, INBOUND, SERVICES, Channel

SCRIPT: Final = "kafka/acls.sh"  # below deploy/
EMITTER, READER, OPERATOR = "emitter", "reader", "operator"
ROLES: Final = (*SERVICES, EMITTER, READER, OPERATOR)
READ: Final = ("Read",)
OWN: Final = "$name."  # what a stranger's groups begin with: its principal's name, which the script knows


class Grants(NamedTuple):
    """What one role may do: with each topic, and in the consumer groups whose names begin so."""

    topics: Mapping[str, Sequence[str]]
    groups: Sequence[str]


def grants(role: str) -> Grants:
    """A service's own rights; an emitter writes what it sends, and both it and a reader read what is open."""
    allowed = {channel.topic: operations for channel in CHANNELS if (operations := _operations(role, channel))}
    return Grants(allowed, _groups(role))


def _operations(role: str, channel: Channel) -> Sequence[str]:
    if role in channel.said_by:
        return ("Read", "Write", "Create", *(("Delete",) if channel.facts else ()))
    if role in channel.heard_by:
        return ("Read", "Create", *(("DescribeConfigs", "AlterConfigs") if channel.from_outside else ()))
    if role == EMITTER and channel.topic == INBOUND:
        return ("Write",)
    if role == OPERATOR or (role in (EMITTER, READER) and channel.open):
        return READ
    return ()


def _groups(role: str) -> Sequence[str]:
    if role in SERVICES:
        return (f"${{PREFIX}}{role}-", *(("onedoor-rebuild",) if role == "sla" else ()))
    return ("onedoor-",) if role == OPERATOR else (OWN,)


HEAD: Final = """\
#!/usr/bin/env bash
# Made by `onedoor contracts write` from libs/events/contracts/channels.py: who may write and read which topic.
#
#   bash acls.sh ROLE PRINCIPAL         as in: bash acls.sh emitter User:SXD
#
# ROLE is a service (intake, routing, field, sla), emitter (another system), reader (whoever only reads) or operator
# (`onedoor events`). By itself it prints the command lines. KAFKA_ACLS runs them, and is the tool of Apache Kafka with
# what that needs to reach the brokers:
#
#   export KAFKA_ACLS="kafka-acls.sh --bootstrap-server kafka:9093 --command-config admin.properties"
#
# PREFIX is what stands before the names of topics, if anything does. What is not given here nobody may, where the
# brokers have authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer.
set -euo pipefail
role=${1:?a role} principal=${2:?a principal, as in User:SXD}
name=${principal#*:} PREFIX=${PREFIX:-}
KAFKA_ACLS=${KAFKA_ACLS:-echo kafka-acls.sh}

may() { # its operations, then the topics
  local operation topic words=()
  for operation in $1; do words+=(--operation "$operation"); done
  for topic in "${@:2}"; do words+=(--topic "$PREFIX$topic"); done
  $KAFKA_ACLS --add --allow-principal "$principal" "${words[@]}"
}

joins() { # what its groups begin with
  $KAFKA_ACLS --add --allow-principal "$principal" --operation Read --group "$1" --resource-pattern-type prefixed
}

case $role in
"""
TAIL: Final = """\
  *)
    echo "acls.sh: there is no role $role" >&2
    exit 2
    ;;
esac
"""


def script() -> str:
    """The command lines of every role, as the script under deploy/ has them."""
    return HEAD + "".join("".join(f"{line}\n" for line in _arm(role)) for role in ROLES) + TAIL


def _wrapped(line: str) -> str:
    """One command on as many lines as it takes."""
    return " \\\n".join(textwrap.wrap(line, 110, subsequent_indent="      ", break_on_hyphens=False))


def _arm(role: str) -> Iterator[str]:
    allowed = grants(role)
    together: defaultdict[str, list[str]] = defaultdict(list)
    for topic, operations in allowed.topics.items():
        together[" ".join(operations)].append(topic)
    yield f"  {role})"
    for operations, topics in together.items():
        yield _wrapped(f'    may "{operations}" {" ".join(topics)}')
    for group in allowed.groups:
        yield f'    joins "{group}"'
    yield "    ;;"
