"""What an emitter, and only it, may see of what it sent."""

from collections.abc import Mapping
from typing import Any

from events.gateway.emitters import Emitter
from events.gateway.rules import ID, Name
from events.store.database import Pool

EVENT = """
select type, schema, subject, at, recorded_at, encode(s.body_hash, 'hex') as body from events e
left join sent s on s.stream = e.stream where e.stream = $1 and e.version = 1
"""
REFUSALS = """
select rule, field, detail, way_out, encode(body_hash, 'hex') as body, e.recorded_at as at from refused r
join events e on e.stream = r.stream and e.version = 1 where r.source = $1 and r.id = $2 order by e.recorded_at
"""


async def became(pool: Pool, emitter: Emitter, source: str, id: str) -> Mapping[str, Any] | None:
    """What became of an event: None where there is none, or none of this emitter's. `body` is the SHA-256 by which a
    repeat is told from a conflict; null where it was lost with a database."""
    if source != emitter.source or ID.fullmatch(id) is None:
        return None
    name = Name(source, id)
    row = await pool.fetchrow(EVENT, name.stream)
    refusals = [dict(one) for one in await pool.fetch(REFUSALS, source, id)]
    if row is None and not refusals:
        return None
    told = {"source": source, "id": id, "result": "accepted" if row else "refused", "refusals": refusals}
    return told if row is None else told | {"event": f"{name.stream}@1", **dict(row)}
