"""`make test-clients`: the examples of docs/emitters.md in every language, as they stand there, against a whole system
that is brought up for them; and what `onedoor export` writes of it, opened by pm4py in an environment of its own.

One line for each step. Ends with 1 and what was printed instead when one does not do what the document says.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import parts
from contracts.given import eventually
from contracts.occurring import EVERYTHING, kind_of
from gateway.examples import EXAMPLES, SOURCE, Example, run
from gateway.told import enter

from events.contracts.channels import CASES
from events.gateway import emitters
from local.kafka import jars
from local.places import CHECKOUT
from local.stack import Stack
from onedoor.exporting import ocel, xes
from onedoor.exporting.history import histories
from onedoor.topics.records import Topics

BUILD = CHECKOUT / "build" / "clients"
OPENED = Path(__file__).with_name("opened.py")
CASE = "000.00.30.H49-170710-0001"
KEY = "-pubout"  # what the example that prints the reader's key can be known by
PUBLISHED = "provincial.events"
SAID = 6  # events that the examples say and that are accepted


async def main() -> None:
    require()
    folder = BUILD / "run"  # below the installed packages, where Node looks for them
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    classes = await jars.fetch()
    with parts.folder() as state:
        entered = state / "emitters.yaml"
        known = list(emitters.load(CHECKOUT / "deploy" / "emitters.yaml", ()).by_code.values())
        enter(entered, *known)
        async with Stack(state / "system", free_ports=True, emitters=entered) as stack:
            environment = {
                "ONEDOOR": stack.url("intake"), "ISSUER": stack.url("issuer"), "SECRET": stack.dev_secret,
                "KAFKA": stack.kafka, "CLASSPATH": f"{classes}/*", "ONEDOOR_HOME": str(state / "system"),
            }  # fmt: skip
            for example in filter(runs, EXAMPLES):
                if reads(example):
                    await published(stack)
                printed = await run(example, folder, environment)
                if KEY in example.text:
                    mine = (one.source == SOURCE for one in known)
                    keyed = (one.model_copy(update={"keys": (printed.strip(),)}) for one in known)
                    enter(entered, *(new if me else old for me, new, old in zip(mine, keyed, known, strict=True)))
                check(example, printed)
            exports(folder, environment)


def require() -> None:
    """Every program is there. kcat is installed where that can be; of what is missing then one sentence says so."""
    if shutil.which("kcat") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        print("kcat is missing; installing it by apt …", flush=True)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for step in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "kcat"]):
            subprocess.run(
                ["apt-get", *step], env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
            )
    missing = [name for name in ("curl", "openssl", "kcat", "node", "java") if shutil.which(name) is None]
    if missing:
        sys.exit(
            f"test-clients: {', '.join(missing)} missing: install it, the examples of docs/emitters.md are run with it"
        )


def check(example: Example, printed: str) -> None:
    """What the document promises of an example that can be seen in what it prints."""
    if example.language == "javascript":
        expect(example, printed, printed.startswith('201 {"result":"accepted"'))
    elif example.language == "java":
        facts = [line for line in printed.splitlines() if line.startswith(f"{PUBLISHED} {CASE} ")]
        expect(example, printed, len(facts) == SAID)
        expect(example, printed, f"\n{CASES} {CASE} " in f"\n{printed}")
    elif "kcat -C" in example.text:
        lines = printed.splitlines()
        expect(example, printed, all(line.startswith(f"{CASE} {{") for line in lines))
        expect(example, printed, any('"type":"onedoor.CustomerRated.v1"' in line for line in lines))
    print(f"ran    {example.needs:<7} {example.text.strip().splitlines()[0][:90]}", flush=True)


def expect(example: Example, printed: str, fulfilled: bool) -> None:
    if not fulfilled:
        sys.exit(f"test-clients: this does not do what the document says:\n{example.text}\nIt printed:\n{printed}")


def runs(example: Example) -> bool:
    """Whether a program runs it. The table and its mapping are for `onedoor import`, which `make test` tries."""
    return example.needs is not None


def reads(example: Example) -> bool:
    """Whether it reads what the others have said."""
    return example.language == "java" or "kcat -C" in example.text


async def published(stack: Stack) -> None:
    """Wait until everything that the examples say is on its topic, what was put on Kafka too."""
    with Topics(stack.kafka, [PUBLISHED]) as topics:
        await eventually(lambda: sum(end - first for first, end in topics.spans().values()) == SAID)


def exports(folder: Path, environment: Mapping[str, str]) -> None:
    """pm4py counts what the exporter says, of the running system and of a dossier to which everything happened."""
    for form, write in (("ocel", ocel.write), ("xes", xes.write)):
        exported, made = folder / f"exported.{form}", folder / f"everything.{form}"
        command = [sys.executable, "-m", "onedoor", "export", "--format", form, "-o", str(exported), "--json"]
        opened(form, exported, told := output(command, environment))
        if (told["dossiers"], told["events"]) != (1, SAID):
            sys.exit(f"test-clients: {SAID} events of one dossier were said, and onedoor export says {told}")
        with made.open("w") as into:
            written = write(histories(EVERYTHING, kind_of), into)
        opened(form, made, written._asdict())


def opened(form: str, file: Path, told: Mapping[str, Any]) -> None:
    """What pm4py finds in a file is what is told of it."""
    found = output([str(BUILD / "venv" / "bin" / "python"), str(OPENED), form, str(file)], {})
    if found != {name: told[name] for name in found}:
        sys.exit(f"test-clients: pm4py finds {found} in {file}, which is said to have {dict(told)}")
    print(f"opened {file.name} by pm4py: {found}", flush=True)


def output(command: list[str], environment: Mapping[str, str]) -> Any:
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"test-clients: {' '.join(command)} failed: {done.stderr.strip()}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except AssertionError as failed:
        sys.exit(f"test-clients: {failed}")
