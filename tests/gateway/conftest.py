"""The door at work, with the emitters of the tests entered."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio
from gateway.told import EVERYTHING, OTHER, enter
from serving import Serving, serving

from intake.app import service


@pytest.fixture
def entered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of emitters."""
    file = folder / "emitters.yaml"
    enter(file, EVERYTHING, OTHER)
    monkeypatch.setenv("ONEDOOR_EMITTERS", str(file))
    for name in ("api_url", "oauth_url"):
        monkeypatch.setenv(f"ZALO_{name.upper()}", "http://127.0.0.1:9")  # nobody answers: nothing is sent
    for name in ("app_id", "app_secret", "oa_secret", "refresh_token"):
        monkeypatch.setenv(f"ZALO_{name.upper()}", name)
    return file


@pytest_asyncio.fixture
async def door(database: Mapping[str, str], kafka: str, topic_prefix: str, entered: Path) -> AsyncIterator[Serving]:
    async with serving(service, database["intake"], kafka, topic_prefix) as at_work:
        yield at_work
