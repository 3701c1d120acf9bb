"""`onedoor evidence`: one file with which another agency checks a dossier, or a month of them, without this system."""

import asyncio
import hashlib
import json
import os
import re
import sys
import zipfile
from collections.abc import AsyncIterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from rich.console import Console
from rich.progress import Progress

from events.errors import OnedoorError
from events.signing import digest_of
from local.places import home
from onedoor.client import Client, session

HERE = Path(__file__).parents[1]
VERIFIER = HERE / "verifier.py"
README = HERE / "evidence.txt"
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
AT_ONCE = 25  # dossiers asked for in one request
CHANGED = "rules were published or swapped in while the evidence was fetched, so its parts differ: run it again"
"""What is said when the parts were not made under the same rules."""


def evidence(
    what: Annotated[str, typer.Argument(metavar="CASE|MONTH", help="A dossier's code, or a month as 2017-07.")],
    output: Annotated[Path, typer.Option("-o", metavar="FILE", help="The file to write, a zip archive.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object about the file, for programs.")] = False,
) -> None:
    """Write the evidence of a dossier, or of every dossier that counts in a month: facts, rules, verdicts, the signed
    seals of days, and a verifier that needs Python 3.9 and nothing else.

    It recomputes the verdicts offline and names the place of any change. No personal data is in the file, because
    none is in the facts. Exit code 1: no such dossier, or the rules changed meanwhile; nothing is written then.

    \b
    onedoor evidence 000.00.02.H49-170710-0001 -o dossier.zip
    onedoor evidence 2017-07 -o july.zip
    unzip -p july.zip verify.py > verify.py && python verify.py july.zip --key KEY
    """
    made = asyncio.run(_write(what, output, Console(stderr=True)))
    if as_json:
        print(json.dumps(made, indent=1))
        return
    signed = f"signed by {made['key']}" if made["key"] else "not signed: this deployment has no key"
    print(
        f"{output}: {made['dossiers']:,} dossiers, {made['facts']:,} facts, {made['seals']:,} seals of days; {signed}"
    )
    print(f"verify.py in it has SHA-256 {made['verifier']}")


async def _write(what: str, output: Path, console: Console) -> Mapping[str, Any]:
    """The file, written beside its place and moved there when it is whole; what is in it."""
    beside = output.with_name(f".{output.name}.part")
    try:
        async with session(home()) as client:
            with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
                made = await _fill(client, what, archive, console)
        os.replace(beside, output)
    except OSError as unwritable:
        raise OnedoorError(f"{output}: {unwritable}") from unwritable
    finally:
        beside.unlink(missing_ok=True)
    return {"file": str(output), **made}


async def _fill(client: Client, what: str, archive: zipfile.ZipFile, console: Console) -> Mapping[str, Any]:
    verifier = VERIFIER.read_bytes()
    _put(archive, "README.txt", README.read_bytes())
    _put(archive, "verify.py", verifier)
    rules = await client.get("sla", "/evidence/rules")
    digest = digest_of(rules["signed"]["document"])
    cases = [what]
    if MONTH.fullmatch(what):
        month = await client.get("sla", "/evidence/month", month=what)
        _put(archive, "month.json", _json(month))
        if month["document"]["rules"] != digest:
            raise OnedoorError(CHANGED)
        cases = month["document"]["dossiers"]
    facts, sealed = rules["signed"]["document"]["events"]["lines"], {proof["seal"] for proof in rules["proofs"]}
    with Progress(console=console, disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task(f"evidence of {what}", total=len(cases))
        for start in range(0, len(cases), AT_ONCE):
            query = urlencode([("case", case) for case in cases[start : start + AT_ONCE]])
            for case, one in (await client.get("sla", f"/evidence/dossiers?{query}"))["dossiers"].items():
                if one["signed"]["document"]["rules"] != digest:
                    raise OnedoorError(CHANGED)
                _put_both(archive, f"dossiers/{case}", one)
                facts += one["signed"]["document"]["events"]["lines"]
                sealed |= {proof["seal"] for proof in one["proofs"]}
            progress.advance(task, AT_ONCE)
    _put_both(archive, "rules", rules)
    seals = [one async for one in _seals(client) if sealed and one["document"]["number"] >= min(sealed)]
    _put(archive, "seals.json", _json({"seals": seals}))
    return {
        "dossiers": len(cases), "facts": facts, "seals": len(seals), "key": rules["signed"]["key"],
        "verifier": hashlib.sha256(verifier).hexdigest(),
    }  # fmt: skip


async def _seals(client: Client) -> AsyncIterator[Any]:
    """Every seal of a day, the earliest first."""
    since = date.min
    while page := (await client.get("sla", "/day-seals", since=since.isoformat()))["seals"]:
        for one in page:
            yield one
        since = date.fromisoformat(page[-1]["document"]["day"]) + timedelta(days=1)


def _put_both(archive: zipfile.ZipFile, name: str, one: Mapping[str, Any]) -> None:
    """A signed document with its proofs, and beside it the facts that it is about."""
    _put(archive, f"{name}.json", _json({"signed": one["signed"], "proofs": one["proofs"]}))
    _put(archive, f"{name}.ndjson", one["events"].encode())


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode()


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Without the date of today: the same evidence is the same file."""
    about = zipfile.ZipInfo(name)
    about.compress_type, about.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    archive.writestr(about, content)
