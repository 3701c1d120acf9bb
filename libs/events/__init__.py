"""The shared language and the log: facts, the event store, followers, the relay and the inbox."""
