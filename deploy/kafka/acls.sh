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
  intake)
    may "Read Write Create Delete" intake.events provincial.events provincial.refusals
    may "Read Create" routing.events rules.events
    may "Read Create DescribeConfigs AlterConfigs" provincial.inbound
    may "Read Write Create" heartbeats
    joins "${PREFIX}intake-"
    ;;
  routing)
    may "Read Create" intake.events field.events sla.events rules.events
    may "Read Write Create Delete" routing.events
    may "Read Write Create" heartbeats
    joins "${PREFIX}routing-"
    ;;
  field)
    may "Read Create" routing.events rules.events
    may "Read Write Create Delete" field.events
    may "Read Write Create" heartbeats
    joins "${PREFIX}field-"
    ;;
  sla)
    may "Read Create" intake.events routing.events field.events provincial.events
    may "Read Write Create Delete" sla.events rules.events
    may "Read Write Create" sla.cases heartbeats
    joins "${PREFIX}sla-"
    joins "onedoor-rebuild"
    ;;
  emitter)
    may "Read" intake.events routing.events field.events sla.events rules.events provincial.events \
      provincial.refusals sla.cases
    may "Write" provincial.inbound
    joins "$name."
    ;;
  reader)
    may "Read" intake.events routing.events field.events sla.events rules.events provincial.events \
      provincial.refusals sla.cases
    joins "$name."
    ;;
  operator)
    may "Read" intake.events routing.events field.events sla.events rules.events provincial.events \
      provincial.refusals provincial.inbound sla.cases heartbeats
    joins "onedoor-"
    ;;
  *)
    echo "acls.sh: there is no role $role" >&2
    exit 2
    ;;
esac
