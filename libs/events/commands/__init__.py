"""Commands on streams: deciders, handling with optimistic concurrency and idempotency, corrections."""
