"""The door at work, for the tests that need it whole."""

from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio
from serving import Serving, serving

from intake.app import service


@pytest_asyncio.fixture
async def door(
    database: Mapping[str, str], kafka: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Serving]:
    for name in ("api_url", "oauth_url"):
        monkeypatch.setenv(f"ZALO_{name.upper()}", "http://127.0.0.1:9")  # nobody answers: nothing is sent
    for name in ("app_id", "app_secret", "oa_secret", "refresh_token"):
        monkeypatch.setenv(f"ZALO_{name.upper()}", name)
    async with serving(service, database["intake"], kafka, topic_prefix) as at_work:
        yield at_work
