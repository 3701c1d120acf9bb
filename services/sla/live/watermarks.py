"""The watermarks that sla waits for: up to when each source has said everything, and up to when all of it is judged.

Warnings, final answers as of a day and the seals of days all wait for these, and for no others.
"""

from collections.abc import Mapping
from datetime import datetime

from events.contracts.channels import sources
from events.store.database import Connection, Pool

# Who says what, on which topics. sla itself is a source too: the rules that it publishes count in answers as of a day.
SOURCES: Mapping[str, tuple[str, ...]] = {**sources("sla"), "sla": ()}
CLOCK = "clock"  # the watermark's name where the caller says what time it is
SETTLED = "settled"  # the one up to which everything that any source recorded is kept and judged
KEEP = """
insert into watermarks values ($1, $2)
on conflict (service) do update set watermark = greatest(watermarks.watermark, excluded.watermark)
"""
EACH = "select service, watermark from watermarks where service = any($1)"
PASSED = "select watermark from watermarks where service = $1"


async def passed(connection: Connection | Pool, *, log_clock: bool) -> datetime | None:
    """The instant up to which nothing that was recorded can still arrive; None while nobody knows."""
    watermark: datetime | None = await connection.fetchval(PASSED, CLOCK if log_clock else SETTLED)
    return watermark


async def known(pool: Pool) -> dict[str, datetime | None]:
    """What was heard last of each source, and how far all of them are settled."""
    found = {row["service"]: row["watermark"] for row in await pool.fetch(EACH, [*SOURCES, SETTLED])}
    return {name: found.get(name) for name in (*SOURCES, SETTLED)}
