"""Are the topics ahead of the store? Then an older backup was restored, and published ids would be used again."""

from collections.abc import Sequence

from events.errors import StoreBehind, Unreadable
from events.kafka.cloudevent import from_cloudevent, said_by, source_of
from events.kafka.topic_ends import look, place_of
from events.store.database import Pool

KNOWN = "select exists (select from events where stream = $1 and version = $2)"
# What an adoption could not bring back was set aside under this name; whoever starts the service knows of it.
NAME = "adopt"
SET_ASIDE = "select exists (select from parked where follower = $1 and place = $2)"


async def refuse(pool: Pool, bootstrap: str, names: Sequence[str], service: str) -> None:
    """Raises StoreBehind when the last record of a partition is a fact that this service said and does not know.

    By its id alone: an id that has two bodies is a fork, which those who listen show. Every fact is in the store before
    it is on a topic, so whatever is unknown was lost. A copy of the database's files keeps the cluster's identifier, so
    nothing else would tell that it is an older one.
    """
    for tp, last in (await look(bootstrap, names)).last.items():
        try:
            fact = from_cloudevent(last.value)
        except Unreadable:
            continue  # somebody else's: whoever hears the topic shows it
        if said_by(last.value) != source_of(service) or await pool.fetchval(KNOWN, fact.stream, fact.version):
            continue
        if not await pool.fetchval(SET_ASIDE, NAME, place_of(tp.topic, tp.partition, last.offset)):
            raise StoreBehind(
                f"{tp.topic} ends with {fact.id}, which {service} has said and its store does not have: an older "
                "backup was restored, or this is another database. `onedoor db adopt` brings back what was published; "
                'see "The databases were restored from a backup" in docs/operations.md'
            )
