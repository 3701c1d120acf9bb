"""What the door has heard of a dossier's way; the only reader of its inbox by dossier."""

from collections.abc import Sequence

from events.store.database import Connection, Pool
from events.store.envelope import RecordedEvent
from events.store.store import COLUMNS, recorded_from

WAY = f"select {COLUMNS} from inbox where subject = $1 and stream like 'route-%' order by version"


async def way(pool: Pool | Connection, case_id: str) -> Sequence[RecordedEvent]:
    """The facts of a dossier's way, oldest first, corrections among them."""
    return [recorded_from(row) for row in await pool.fetch(WAY, case_id)]
