"""Apache Kafka on this machine: `choose.embedded(folder)` gives a broker with start, stop, kill and restart."""
