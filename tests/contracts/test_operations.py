"""Every operation of docs/openapi against a running system: whatever is sent, by whoever, is answered as documented.

No answer is a 5xx, every refusal is a problem document, what the document does not allow is not taken, and who has none
of the roles gets nothing.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from contracts.documents import DOCUMENTS
from contracts.driving import Accepted, drive
from contracts.played import play
from flows.house import House, of_its_own
from oracle.swapped import swap_file

from events.contracts.channels import SERVICES

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(7200)]
EXAMPLES = int(os.environ.get("ONEDOOR_EXAMPLES", "500")) // 100  # of each operation, beside its boundaries
CALLERS = ("receptionist.PAC-193", "officer.DL-193", "team.TC-193", "leader.PC-QN", "operator.onedoor",
           "auditor.PC-QN", "emitter.SXD")  # fmt: skip
CALENDARS = {
    "basis": "1/QD", "policy": "as-revised",
    "calendars": swap_file().model_dump(mode="json", by_alias=True)["calendars"],
}  # fmt: skip
ACCEPTED = {
    "field": [Accepted("POST /republish", "operator", {"why": "topic-lost"})],
    "sla": [
        Accepted("POST /record/seals", "leader", {"from": "2017-06-01", "to": "2017-07-01"}),
        Accepted("POST /rules/calendars", "leader", CALENDARS, {"preview": "true"}),
        Accepted("POST /rollbacks", "operator", {"dry_run": True}),
        Accepted("POST /what-if", "operator", {"policy": "pinned"}),
    ],
}


@dataclass(frozen=True)
class Played:
    """A system in which something has happened."""

    house: House
    known: Mapping[str, Sequence[Any]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(kafka: str, postgres: str) -> AsyncIterator[Played]:
    """A system of its own: what is sent to it is nonsense."""
    async with of_its_own(kafka, postgres) as made:
        yield Played(made, await play(made))
        assert all(part.alive for part in made.stack.parts.values())


@pytest.mark.parametrize("service", SERVICES)
async def test_every_operation_answers_as_documented(played: Played, service: str) -> None:
    """By the roles that may, by each that may not, and by nobody."""
    tokens = {who.partition(".")[0]: await played.house.token(who) for who in CALLERS}
    url, accepted = played.house.stack.url(service), ACCEPTED.get(service, [])
    statuses, wrong = await asyncio.to_thread(drive, DOCUMENTS[service], url, tokens, played.known, accepted, EXAMPLES)
    assert wrong == [], "\n\n".join([f"{len(wrong)} operations are not as documented; answers: {statuses}", *wrong])
    assert {200, 401, 403, 404, 405, 422} <= statuses.keys()
