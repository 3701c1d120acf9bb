"""The shared language and the log: facts, the event store, followers, the relay and the inbox."""

import compiled

compiled.use(__name__, __path__)
