"""Every GET of every running service, by its document: HEAD, and values that no column, calendar or clock can hold."""

import asyncio
import importlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import parts
import pytest
import pytest_asyncio
from serving import Serving, serving

from events.contracts.channels import SERVICES
from events.http.openapi import FOLDER, PROBLEM

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCS: Final = Path(__file__).parents[2] / "docs" / FOLDER
CASE: Final = "000.00.22.H49-170710-0001"
GOOD: Final = {"case_id": CASE, "case": CASE, "month": "2017-07", "work_order": f"wo-{CASE}-2", "counter": "PAC-193"}
BEYOND: Final = str(2**63)
EXTREMES: Final = {
    "date": ("0001-01-01", "9999-12-31"),
    "date-time": ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
}
NEVER_THE_SAME: Final = ("Date", "Content-Length", "Transfer-Encoding")
ROLES: Final = ("operator.onedoor", "leader.PC-QN", "receptionist.PAC-193", "emitter.QN-SXD")


@dataclass(frozen=True)
class Asked:
    """A running service and the GET routes of its document."""

    at_work: Serving
    gets: dict[str, Any]

    def filled(self, path: str, **instead: str) -> str:
        """The path with good values, and the query of what must be given; some of them replaced."""
        address, query = path, []
        for name, place, needed, _ in self.parameters(path):
            value = instead.get(name) or GOOD.get(name, "1")
            if place == "path":
                address = address.replace(f"{{{name}}}", value)
            elif needed or name in instead:
                query.append(f"{name}={value}")
        return f"{address}?{'&'.join(query)}" if query else address

    def parameters(self, path: str) -> Iterator[tuple[str, str, bool, str]]:
        """Name, place, whether it is needed, and its schema as text."""
        for one in self.gets[path].get("parameters", ()):
            if one["in"] != "header":
                yield one["name"], one["in"], one.get("required", False), json.dumps(one["schema"])

    async def ask(self, method: str, address: str) -> tuple[int, dict[str, str]]:
        """Status and headers, as somebody who may; of a stream no more is read."""
        for role in ROLES:
            right, _, unit = role.partition(".")
            token = self.at_work.issuer.sign(role=right, unit=unit, member="01")
            headers = {"Authorization": f"Bearer {token}"}
            url = self.at_work.url + address
            async with asyncio.timeout(20), self.at_work.http.request(method, url, headers=headers) as answer:
                if method == "HEAD":
                    assert await answer.read() == b""
                told = answer.status, {name: one for name, one in answer.headers.items() if name not in NEVER_THE_SAME}
                if answer.status != 403:
                    break
        return told


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=SERVICES)
async def asked(postgres: str, kafka: str, request: pytest.FixtureRequest) -> AsyncIterator[Asked]:
    service: str = request.param
    document = json.loads((DOCS / f"{service}.json").read_text())
    gets = {path: methods["get"] for path, methods in document["paths"].items() if "get" in methods}
    made = importlib.import_module(f"{service}.app").service
    name, urls = await parts.fresh_database(postgres)
    with pytest.MonkeyPatch.context() as environment:
        for word in ("api_url", "oauth_url"):
            environment.setenv(f"ZALO_{word.upper()}", "http://127.0.0.1:9")  # nobody answers: nothing is sent
        for word in ("app_id", "app_secret", "oa_secret", "refresh_token"):
            environment.setenv(f"ZALO_{word.upper()}", word)
        async with serving(made, urls[service], kafka, "every.") as at_work:
            yield Asked(at_work, gets)
    await parts.drop_database(postgres, name)
    await parts.drop_topics(kafka, "every.")


async def test_what_no_column_can_hold_is_refused(asked: Asked) -> None:
    """A zero character, a number past bigint: 422 or 404 by a problem document, before anything is streamed."""
    wrong = []
    for path in asked.gets:
        for name, _, _, schema in asked.parameters(path):
            for value in ("%00", *((BEYOND,) if '"integer"' in schema else ())):
                address = asked.filled(path, **{name: value})
                status, headers = await asked.ask("GET", address)
                if status not in (404, 422) or headers["Content-Type"] != PROBLEM:
                    wrong.append((address, status))
    assert wrong == []


async def test_the_first_and_the_last_day_are_no_mistake_of_ours(asked: Asked) -> None:
    """Arithmetic with them leaves the years that there are."""
    wrong = []
    for path in asked.gets:
        for name, _, _, schema in asked.parameters(path):
            for kind in set(re.findall(r'"format": "([a-z-]+)"', schema)):
                for value in EXTREMES.get(kind, ()):
                    address = asked.filled(path, **{name: value})
                    status, _ = await asked.ask("GET", address)
                    if status >= 500:
                        wrong.append((address, status))
    assert wrong == []


async def test_head_answers_on_every_route_that_has_get(asked: Asked) -> None:
    """With the status and the headers of GET, and no body."""
    for path in [*map(asked.filled, asked.gets), "/docs", "/openapi.json"]:
        assert await asked.ask("HEAD", path) == await asked.ask("GET", path), path
