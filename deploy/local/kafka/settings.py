"""What our single broker is told, whether it runs from jars or from an image."""

CLUSTER_ID = "b25lZG9vci1sb2NhbC0wMQ"  # 16 bytes in base64; every state folder may have the same: they never meet


def broker_settings(*, listeners: str, advertised: str, controller: int) -> dict[str, str]:
    """The properties of a KRaft node that is broker and controller in one.

    listeners: the bind addresses with their names; advertised: host:port that clients are told.
    """
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@localhost:{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": listeners,
        "advertised.listeners": f"PLAINTEXT://{advertised}",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        # a mistyped topic is an error, never a new topic with one partition
        "auto.create.topics.enable": "false",
        # facts never expire
        "log.retention.ms": "-1",
        # one node holds everything; internal topics as small as they may be, so that it starts fast
        "default.replication.factor": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.num.partitions": "1",
        "transaction.state.log.min.isr": "1",
        # what a sender leaves open holds its partitions for everybody who reads committed records: a minute at most
        "transaction.max.timeout.ms": "60000",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # a group of one consumer needs nobody else before it begins
        "group.initial.rebalance.delay.ms": "0",
        # a killed broker is let in again when its old session has expired: 9 s by default, for networks we do not have
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        # a test that is over takes its topics with it, and their open files soon after
        "file.delete.delay.ms": "1000",
        "message.max.bytes": "2097152",
    }
