"""The catalogue in force in a running process: its files', and what was published since, found in the service's own
log or inbox. The only place in `deadlines` that touches a database; apart, so that the rest stays arithmetic.
"""

import asyncio
from collections.abc import Sequence
from typing import Literal

import structlog

from deadlines.catalogue import Catalogue
from deadlines.entries import CatalogueFile
from deadlines.errors import TwoContents
from deadlines.published import STREAM, joined
from events.store.database import TRANSIENT, Connection, Pool
from events.store.envelope import RecordedEvent
from events.store.store import COLUMNS, recorded_from
from events.subscriptions.wakeup import rest

# The horizon guards nothing here: the stream's versions have no gaps, so the next one is either there or not.
SINCE = "select {columns} from {table} where stream = $1 and version > $2 order by version"
KEEP = """
insert into rule_versions (id, fingerprint) select * from unnest($1::text[], $2::text[]) on conflict do nothing
"""
KEPT = "select id, fingerprint from rule_versions where id = any($1)"
EVERY = 0.5  # seconds between looks at what was published
log = structlog.get_logger("deadlines.inforce")


class InForce:
    """Keeps one Catalogue up to date. `facts` are the published rules known so far, in their order; `files` stays
    what the files say."""

    def __init__(self, files: Catalogue, table: Literal["events", "inbox"]) -> None:
        self.catalogue = files
        self.files = files.plus("files", CatalogueFile())
        self.facts: list[RecordedEvent] = []
        self._query = SINCE.format(columns=COLUMNS, table=table)

    async def open(self, pool: Pool) -> None:
        """Learn what was published, and compare every version with what it was when last used.

        Raises CatalogueError (among them TwoContents): the service must not start and judge by something else.
        """
        await self.refresh(pool)
        await remember(pool, self.catalogue)

    async def refresh(self, pool: Pool | Connection) -> int:
        """Learn what was published since; how many facts that are. Raises CatalogueError."""
        rows = await pool.fetch(self._query, STREAM, len(self.facts))
        # Only what follows on: another look may have been here while this one waited.
        news: list[RecordedEvent] = []
        for row in rows:
            if row["version"] == len(self.facts) + len(news) + 1:
                news.append(recorded_from(row))
        if news:
            self.catalogue.become(joined(self.catalogue, [one.fact for one in news]).build())
            self.facts += news
            log.info("rules published", rules=[one.id for one in news])
        return len(news)

    async def watch(self, pool: Pool, stopping: asyncio.Event) -> None:
        """Look for published rules until told to stop. A rule that contradicts the files ends the task: not ready."""
        while not stopping.is_set():
            try:
                if await self.refresh(pool):
                    await remember(pool, self.catalogue)
            except TRANSIENT as error:
                log.warning("waiting", doing="rules", error=repr(error))
            await rest(stopping, EVERY)


async def remember(pool: Pool, catalogue: Catalogue) -> None:
    """Keep the fingerprint of every version when it is first used. Raises TwoContents when one is another now."""
    prints = catalogue.fingerprints()
    await pool.execute(KEEP, list(prints), list(prints.values()))
    rows = await pool.fetch(KEPT, list(prints))
    if edited := sorted(row["id"] for row in rows if row["fingerprint"] != prints[row["id"]]):
        raise TwoContents(_edited(edited))


def _edited(ids: Sequence[str]) -> str:
    return (
        f"{', '.join(ids)}: the catalogue's files say something else than when this service last used it, and receipts "
        "name it. Put the old content back, and give the change a version of its own (VN-PAC@2017.2, "
        "LV-RES-URBAN@2018-01-01)"
    )
