"""The published language over HTTP: to everybody, byte for byte as it is committed."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from contracts.servers import serving
from fastapi import FastAPI
from serving import Serving

from events.http import problems
from events.settings import Settings
from intake import language

DOCS = Settings(kafka_bootstrap_servers="", database_url="", oidc_issuer="").onedoor_contracts


@pytest_asyncio.fixture
async def get() -> AsyncIterator[Any]:
    """Asks without a token: status, headers, bytes."""
    app = FastAPI()
    problems.install(app)
    app.include_router(language.routes(DOCS))
    async with serving(app) as url, aiohttp.ClientSession() as http:

        async def ask(path: str) -> tuple[int, Mapping[str, str], bytes]:
            async with http.get(url + path) as answer:
                return answer.status, answer.headers, await answer.read()

        yield ask


PAGES = {
    "/asyncapi": ("asyncapi.yaml", "application/yaml"),
    "/schemas/CloudEvent": ("schemas/CloudEvent.json", "application/schema+json"),
    "/schemas/ApplicationReceived/1": ("schemas/ApplicationReceived.v1.json", "application/schema+json"),
}


@pytest.mark.parametrize("path", PAGES)
async def test_what_is_committed_is_shown(path: str, get: Any) -> None:
    name, media_type = PAGES[path]
    status, headers, body = await get(path)
    assert (status, headers["Content-Type"].partition(";")[0]) == (200, media_type)
    assert body == (DOCS / name).read_bytes()


@pytest.mark.parametrize("path", ["/schemas/NeverHeardOf/1", "/schemas/CaseClosed/2"])
async def test_a_schema_that_was_never_released_is_not_found(path: str, get: Any) -> None:
    status, _, body = await get(path)
    told = json.loads(body)
    assert (status, told["title"]) == (404, "no such schema")
    assert "/asyncapi" in told["way_out"]


NOT_SHOWN = {"/schemas/..%2Fasyncapi/1": 404, "/schemas/case-closed/1": 422, "/schemas/CaseClosed/0": 422}


@pytest.mark.parametrize("path", NOT_SHOWN)
async def test_no_other_file_is_shown(path: str, get: Any) -> None:
    assert (await get(path))[0] == NOT_SHOWN[path]


async def test_the_door_shows_it_to_whoever_has_no_token(door: Serving) -> None:
    async with door.http.get(f"{door.url}/schemas/CaseClosed/1") as answer:
        assert answer.status == 200
        assert (await answer.json(content_type=None))["title"] == "CaseClosed"
