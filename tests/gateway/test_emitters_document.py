"""docs/emitters.md: its examples run as they stand there, and each of its promises is held by a test that exists."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from contracts.given import eventually
from gateway.examples import DOCUMENT, EXAMPLES, SOURCE, of, run
from gateway.told import enter
from serving import Serving, serving

from events.contracts.channels import INBOUND
from events.gateway import emitters
from events.kafka import topics
from intake.app import service
from local.places import CHECKOUT


async def became(door: Serving, id: str) -> Any:
    return (await door.get(f"/events/{SOURCE}/{id}", role="emitter", unit="SXD")).body


async def test_every_example_runs_as_it_stands(
    database: Mapping[str, str], kafka: str, topic_prefix: str, folder: Path, entered: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """With the emitters of the deployment; the operator enters the key that the reader made. What needs another program
    than curl and Python runs in `make test-clients`, the table and its mapping in another test, and nothing in none."""
    here = of("bash", "python")
    assert [one.language for one in here] == ["bash"] * 4 + ["python", "bash", "python"]
    assert [one.needs or one.language for one in EXAMPLES if one not in here] == [
        "node", "kcat", "kcat", "java", "csv", "yaml", "sh"
    ]  # fmt: skip
    key = (await run(here[5], folder, {})).strip()
    known = emitters.load(CHECKOUT / "deploy" / "emitters.yaml", ()).by_code.values()
    enter(entered, *(one.model_copy(update={"keys": (key,)}) if one.source == SOURCE else one for one in known))
    async with serving(service, database["intake"], kafka, topic_prefix) as door:
        environment = {
            "ONEDOOR": door.url, "ISSUER": door.issuer.url, "SECRET": "unused", "KAFKA": kafka,
            "INBOUND": topic_prefix + INBOUND,
        }  # fmt: skip
        await topics.ensure(kafka, topic_prefix, [INBOUND])
        printed = [await run(here[number], folder, environment) for number in (0, 1, 2, 3, 4, 6)]
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


@pytest.mark.parametrize("section", ["Reading ours", "What you may rely on"])
def test_every_promise_is_held_by_a_test_that_exists(section: str) -> None:
    table = DOCUMENT.partition(f"## {section}")[2].partition("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("| ") and "held by" not in line]
    named = [re.findall(r"`(test_\w+)`", line.rpartition(" | ")[2]) for line in lines]
    tests = "\n".join(path.read_text() for path in sorted((CHECKOUT / "tests").rglob("test_*.py")))
    assert len(named) > 7
    assert all(named)
    assert {name for one in named for name in one} <= set(re.findall(r"def (test_\w+)\(", tests))
