"""Dossier codes: agency, date of reception, ordinal. Drawn atomically; gaps may occur, doubles never."""

from datetime import datetime

import asyncpg

from deadlines.instants import date_of, day_of, second_of
from events.store.database import Pool

DRAW = "select number, fresh from draw($1, $2, $3, $4)"


async def draw(
    pool: Pool, counter: str, prefix: str, received_at: datetime, *, actor: str, key: str | None
) -> tuple[str, bool]:
    """The code of a dossier received now, as in 000.00.22.H49-170710-0001 (QCVN 102:2016/BTTTT), and whether it is new.

    The date is that of reception in Vietnam. The same actor and key get the same number again. The number
    widens past 9999, it never wraps.
    """
    day = date_of(day_of(second_of(received_at)))
    try:
        drawn = await pool.fetchrow(DRAW, counter, day, actor, key)
    except asyncpg.UniqueViolationError:  # a twin of this request drew it a moment ago
        drawn = await pool.fetchrow(DRAW, counter, day, actor, key)
    assert drawn is not None
    return f"{prefix}-{day:%y%m%d}-{drawn['number']:04d}", drawn["fresh"]
