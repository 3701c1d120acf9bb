"""The events of a table that wait, sent one batch after another; what became of each batch is kept behind it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from onedoor.importing.gateway_client import AT_ONCE, LONGEST, Door
from onedoor.importing.progress import State, Unsent, transaction
from onedoor.importing.rows import refused
from onedoor.screen import Tell

FORBIDDEN: Final = "fact-not-yours"
REUSED: Final = "id-reused"
Next = Callable[[int], list[Unsent]]


class Sending:
    """Sends what waits, and goes on where it was interrupted."""

    def __init__(self, state: State, source: str, door: Door, tell: Tell) -> None:
        self._state, self._source, self._door, self._tell = state, source, door, tell
        self._all = state.left

    async def send(self) -> None:
        """First what has changed, a batch taken back and said anew at a time, so that little is away meanwhile."""
        await self._correct()
        for batch in waiting(self._state):
            await self._post(batch)

    async def _correct(self) -> None:
        await self._say_anew()  # what an interrupted import had only taken back
        most = 1  # the first shows whether this emitter may take anything back
        while batch := _fitting(self._state.voids(most)):
            rules = []
            with transaction(self._state):
                for one, became in zip(batch, await self._became(batch), strict=True):
                    refusal = refused(one.told, became["problem"]) if became["result"] == "refused" else None
                    if refusal is None or refusal.rule == REUSED:
                        # The id follows from what is taken back: a void of another reason or time stands, and suffices.
                        self._state.voided(one.number, "duplicate" if refusal else became["result"])
                        continue
                    self._state.voided(one.number, "refused")
                    rules.append(refusal.rule)
                    self._state.refuse(refusal._replace(where=f"FactVoided {refusal.where}"))
                if FORBIDDEN in rules:
                    self._state.hold()
            await self._say_anew()
            most = AT_ONCE

    async def _say_anew(self) -> None:
        """Where one is refused, nothing more is taken back: the others may be refused for the same reason."""
        while batch := _fitting(self._state.anew(AT_ONCE)):
            await self._post(batch, hold=True)

    async def _post(self, batch: Sequence[Unsent], *, hold: bool = False) -> None:
        became = await self._became(batch)
        with transaction(self._state):
            if hold and any(outcome["result"] == "refused" for outcome in became):
                self._state.hold()
            for one, outcome in zip(batch, became, strict=True):
                self._state.became(one.number, outcome["result"], self._source)
                if outcome["result"] == "refused":
                    self._state.refuse(refused(one.told, outcome["problem"]))
        self._tell(self._all - self._state.left)

    async def _became(self, batch: Sequence[Unsent]) -> Sequence[Any]:
        def waits(seconds: float) -> object:
            return self._tell(self._all - self._state.left, f"waits for the quota, {seconds:.0f} s")

        return await self._door.say([one.body.encode() for one in batch], waits)


def print_events(state: State) -> None:
    """Print what would be sent, one event a line."""
    for batch in (state.voids(-1), *waiting(state)):
        for one in batch:
            print(one.body)
    for row in state.db.execute("select body from event where void is not null and outcome is null order by number"):
        print(row["body"])


def waiting(state: State) -> Iterator[list[Unsent]]:
    """Batches of what waits, in the order of the table."""
    after = 0
    while batch := _fitting(state.unsent(after, AT_ONCE)):
        yield batch
        after = batch[-1].number


def _fitting(batch: list[Unsent]) -> list[Unsent]:
    """The beginning of a batch that fits into a request."""
    size = 0
    for number, one in enumerate(batch):
        size += len(one.body.encode()) + 1
        if number and size > LONGEST:
            return batch[:number]
    return batch
