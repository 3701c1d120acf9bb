"""docs/emitters.md: its table and its mapping are imported as they stand there."""

import asyncio
import os
import re
import sys
from pathlib import Path

from gateway.told import enter
from serving import Serving

from events.gateway import emitters
from local.places import CHECKOUT

DOCUMENT = (CHECKOUT / "docs" / "emitters.md").read_text()
BLOCKS = dict(re.findall(r"^```(csv|yaml|sh)\n(.*?)^```$", DOCUMENT, re.M | re.S))


async def test_the_table_and_its_mapping_run_as_they_stand(door: Serving, folder: Path, entered: Path) -> None:
    """With the emitters of the deployment, whose events may be as old as they are."""
    known = emitters.load(CHECKOUT / "deploy" / "emitters.yaml", ()).by_code.values()
    enter(entered, *(one.model_copy(update={"late_days": 36600}) for one in known))
    for name in ("csv", "yaml"):
        (folder / f"dossiers.{name}").write_text(BLOCKS[name])
    environment = {
        **os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "ONEDOOR": door.url,
        "ISSUER": door.issuer.url, "SECRET": "unused", "ONEDOOR_EMITTERS": str(entered),
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        "bash", "-eu", cwd=folder, env=environment, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate(BLOCKS["sh"].encode())
    assert process.returncode == 0, err.decode()
    assert "events.ndjson: clean" in out.decode()
    assert "dossiers.csv: 7 rows: 6 events accepted, 0 repeats, 0 refused; 1 rows say nothing" in out.decode()
    assert await door.running.parts.pool.fetchval("select count(*) from sent") == 6
