"""Kafka: CloudEvents on the wire, the relay out, the consumers and the inbox in, topics and their ends, watermarks."""
