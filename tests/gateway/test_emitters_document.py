"""docs/emitters.md: its examples run as they stand there, and each of its promises is held by a test that exists."""

import asyncio
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from contracts.given import eventually
from gateway.told import enter
from serving import Serving, serving

from events import topics
from events.contracts.channels import INBOUND
from events.gateway import emitters
from intake.app import service
from local.places import CHECKOUT

DOCUMENT = (CHECKOUT / "docs" / "emitters.md").read_text()
EXAMPLES = re.findall(r"^```(bash|python)\n(.*?)^```$", DOCUMENT, re.M | re.S)
SOURCE = "urn:quangninh:so-xay-dung:mot-cua"
TOKEN = 'TOKEN=$(python3 -c \'import json; print(json.load(open("token.json"))["access_token"])\')\n'


async def run(number: int, folder: Path, environment: Mapping[str, str]) -> str:
    """Run one example as a reader would, one after the other in one folder; what it printed."""
    language, text = EXAMPLES[number]
    command = [sys.executable, "-"] if language == "python" else ["bash", "-eu"]
    if language == "bash" and "$TOKEN" in text and "TOKEN=" not in text:
        text = TOKEN + text  # the reader's shell still has it
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env={**os.environ, **environment}, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate(text.encode())
    assert process.returncode == 0, err.decode()
    return out.decode()


async def became(door: Serving, id: str) -> Any:
    return (await door.get(f"/events/{SOURCE}/{id}", role="emitter", unit="SXD")).body


async def test_every_example_runs_as_it_stands(
    database: Mapping[str, str], kafka: str, topic_prefix: str, folder: Path, entered: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """With the emitters of the deployment; the operator enters the key that the reader made."""
    assert [language for language, _ in EXAMPLES] == ["bash"] * 4 + ["python", "bash", "python"]
    key = (await run(5, folder, {})).strip()
    known = emitters.load(CHECKOUT / "deploy" / "emitters.yaml", ()).by_code.values()
    enter(entered, *(one.model_copy(update={"keys": (key,)}) if one.source == SOURCE else one for one in known))
    async with serving(service, database["intake"], kafka, topic_prefix) as door:
        environment = {
            "ONEDOOR": door.url, "ISSUER": door.issuer.url, "SECRET": "unused", "KAFKA": kafka,
            "INBOUND": topic_prefix + INBOUND,
        }  # fmt: skip
        await topics.ensure(kafka, topic_prefix, [INBOUND])
        printed = [await run(number, folder, environment) for number in (0, 1, 2, 3, 4, 6)]
        assert '"result":"accepted"' in printed[1]
        assert '"title":"unit not yours"' in printed[2]
        assert "SXD-*" in printed[2]
        assert '"result":"accepted"' in printed[3]
        assert [line.split()[:2] for line in printed[4].splitlines()] == [
            ["example-3", "accepted"], ["example-4", "accepted"], ["example-4", "refused"]
        ]  # fmt: skip

        async def over_kafka() -> bool:
            return bool((await became(door, "example-5")).get("result") == "accepted")

        await eventually(over_kafka)


def test_every_promise_is_held_by_a_test_that_exists() -> None:
    table = DOCUMENT.partition("## What you may rely on")[2].partition("## The rules")[0]
    named = set(re.findall(r"`(test_\w+)`", table))
    tests = "\n".join(path.read_text() for path in sorted((CHECKOUT / "tests").rglob("test_*.py")))
    assert len(named) > 12
    assert named <= set(re.findall(r"def (test_\w+)\(", tests))
