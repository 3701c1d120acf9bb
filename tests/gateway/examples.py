"""The examples of docs/emitters.md, each run as it stands there, as its reader would: in turn, in one folder."""

import asyncio
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from local.places import CHECKOUT

DOCUMENT = (CHECKOUT / "docs" / "emitters.md").read_text()
SOURCE = "urn:quangninh:so-xay-dung:mot-cua"
TOKEN = 'TOKEN=$(python3 -c \'import json; print(json.load(open("token.json"))["access_token"])\')\n'


PROGRAMS = {"python": "python", "javascript": "node", "java": "java"}


class Example(NamedTuple):
    """One block of code, and the language that it is in."""

    language: str
    text: str

    @property
    def needs(self) -> str | None:
        """The program that runs it; none runs a table, a mapping or our own commands, which are tried elsewhere."""
        if self.language == "bash":
            return "kcat" if "kcat " in self.text else "bash"
        return PROGRAMS.get(self.language)


EXAMPLES = [Example(*one) for one in re.findall(r"^```(\w+)\n(.*?)^```$", DOCUMENT, re.M | re.S)]


def of(*programs: str) -> list[Example]:
    """Those that these programs run, in their order."""
    return [one for one in EXAMPLES if one.needs in programs]


async def run(example: Example, folder: Path, environment: Mapping[str, str]) -> str:
    """What it printed. Raises AssertionError with what it said when it failed."""
    text = example.text
    if example.language == "bash" and "$TOKEN" in text and "TOKEN=" not in text:
        text = TOKEN + text  # the reader's shell still has it
    command, stdin = _command(example, folder), text.encode()
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env={**os.environ, **environment}, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate(stdin)
    assert process.returncode == 0, f"{err.decode()}\n{text}"
    return out.decode()


def _command(example: Example, folder: Path) -> Sequence[str]:
    match example.language:
        case "python":
            return (sys.executable, "-")
        case "javascript":
            return ("node", "--input-type=module", "-")
        case "java":  # wants a file of its class's name, and has the classes of $CLASSPATH
            file = folder / "Facts.java"
            file.write_text(example.text)
            return ("java", str(file))
        case _:
            return ("bash", "-eu")
