"""The event store: an append-only log per service in PostgreSQL, which is its outbox, too."""
