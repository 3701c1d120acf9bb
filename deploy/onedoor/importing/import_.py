"""`onedoor import`: a table of a system that can only export, said through the gateway by a declared mapping."""

import asyncio
import csv
import json
import os
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Final, Self

import aiohttp
import msgspec
import typer
from rich.console import Console
from rich.text import Text

from events.errors import OnedoorError
from events.sanitize import printable
from local.places import home
from onedoor.app import REJECTED
from onedoor.client import running
from onedoor.importing import mapping
from onedoor.importing.gateway_client import AT_ONCE, LONGEST, Door
from onedoor.importing.progress import Far
from onedoor.importing.rows import RowRefused, Rows, Told, refused
from onedoor.importing.table_reader import FIRST
from onedoor.screen import progress, wide

LISTS: Final = (".csv", ".ndjson")


def import_(
    table: Annotated[Path, typer.Argument(metavar="FILE.csv", help="The exported table, with a header.")],
    by: Annotated[Path, typer.Option("--mapping", help="Which columns say which facts: docs/emitters.md shows one.")],
    client: Annotated[
        str, typer.Option(envvar="ONEDOOR_CLIENT_ID", help="Your client at the issuer, as in emitter.SXD.")
    ] = "",
    door: Annotated[str | None, typer.Option(help="Intake's address. Without it, the running system's.")] = None,
    issuer: Annotated[str | None, typer.Option(help="The issuer of tokens. Without it, the running system's.")] = None,
    list_to: Annotated[
        Path | None, typer.Option("--refused", help="List every refused row here: .csv or .ndjson.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Send nothing: print the events, as `onedoor conform` reads them.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Say the rows of a table as events, each as the gateway takes it: accepted, a repeat, or refused with its reason.

    An event's id follows from its row, so a row that comes again is a repeat. Interrupted, the command is given again
    and goes on: how far it was stands in FILE.csv.position until it has ended. The secret of the client is
    ONEDOOR_CLIENT_SECRET.

    Exit code 0: every row was taken in. 5: some were refused. 1: it could not go on.

    \b
    onedoor import dossiers.csv --mapping dossiers.yaml --client emitter.SXD
    onedoor import dossiers.csv --mapping dossiers.yaml --client emitter.SXD --refused refused.csv
    onedoor import dossiers.csv --mapping dossiers.yaml --dry-run > events.ndjson; onedoor conform events.ndjson
    """
    if list_to is not None and list_to.suffix not in LISTS:
        raise OnedoorError(f"--refused: {list_to.name}: its name ends in {' or '.join(LISTS)}")
    rows = Rows(table, mapping.load(by))
    rows.look()
    position = table.with_name(f"{table.name}.position")
    of = sha256(b"%s %s" % (rows.digest.encode(), by.read_bytes())).hexdigest()
    far = Far(of) if dry_run else Far.kept(position, of)
    with Listing(list_to, far.listed) as listing:
        importing = Importing(rows, far, listing)
        if dry_run:
            importing.print()
        else:
            asyncio.run(importing.send(position, *_login(door, issuer, client)))
            position.unlink(missing_ok=True)
    console = Console(stderr=True) if dry_run else wide()
    if as_json and not dry_run:
        print(json.dumps(far.shown, ensure_ascii=False, indent=1))
    else:
        show(console, table.name, far)
    if far.refused:
        sys.exit(REJECTED)


def _login(door: str | None, issuer: str | None, client: str) -> tuple[str, str, str, str]:
    """Where to, and as whom. Raises OnedoorError."""
    if not client:
        raise OnedoorError("--client: who are you? Give the id of your client at the issuer, as in emitter.SXD")
    secret = os.environ.get("ONEDOOR_CLIENT_SECRET", "")
    if door is not None and issuer is not None:
        return door, issuer, client, secret
    about = running(home())
    return door or about["urls"]["intake"], issuer or about["issuer"], client, secret or about["dev_secret"] or ""


class Listing:
    """The list of refused rows in a file, whole up to where an earlier import stopped."""

    def __init__(self, path: Path | None, length: int) -> None:
        there = path is not None and path.exists() and path.stat().st_size >= length
        self._path, self._length = path, length if there else 0
        self._file: Any = None

    def __enter__(self) -> Self:
        if self._path is not None:
            self._file = self._path.open("r+" if self._length else "w", newline="")
            self._file.seek(self._length)
            self._file.truncate()
            if not self._length and self._path.suffix == ".csv":
                csv.writer(self._file).writerow(RowRefused._fields)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, one: RowRefused) -> None:
        """One more."""
        if self._path is None:
            return
        if self._path.suffix == ".csv":
            csv.writer(self._file).writerow(one)
        else:
            self._file.write(json.dumps(one._asdict(), ensure_ascii=False) + "\n")

    def written(self) -> int:
        """So many bytes are in the file."""
        if self._file is None:
            return 0
        self._file.flush()
        return int(self._file.buffer.tell())


class Importing:
    """The rows that are not done yet, one after another."""

    def __init__(self, rows: Rows, far: Far, listing: Listing) -> None:
        self._rows, self._far, self._listing = rows, far, listing
        self._waiting: list[tuple[Told, bytes]] = []

    async def send(self, position: Path, door: str, issuer: str, client: str, secret: str) -> None:
        """Say every row; the position is kept behind each batch."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as http:
            gateway = Door(http, door, issuer, client, secret)
            with progress("rows", self._rows.count) as tell:
                for done in self._batches():
                    events = [body for _, body in self._waiting]
                    for (told, _), became in zip(
                        self._waiting, await gateway.say(events) if events else [], strict=True
                    ):
                        self._became(told, became)
                    self._waiting = []
                    self._far.row, self._far.listed = done, self._listing.written()
                    self._far.keep(position)
                    tell(done)

    def print(self) -> None:
        """Print the events, one a line."""
        for done in self._batches():
            for _, body in self._waiting:
                print(body.decode())
            self._waiting, self._far.row = [], done

    def _batches(self) -> Iterator[int]:
        """Take whole rows until a batch waits; so many rows are done with it."""
        begin, size = self._far.row, 0
        for row, cells in self._rows.rows():
            if (done := row - FIRST + 1) <= begin:
                continue
            said = self._rows.told(row, cells)
            more = [(one, msgspec.json.encode(one.event)) for one in said if isinstance(one, Told)]
            length = sum(len(body) for _, body in more)
            if self._waiting and (len(self._waiting) + len(more) > AT_ONCE or size + length > LONGEST):
                yield done - 1
                size = 0
            for one in said:
                if isinstance(one, RowRefused):
                    self._refuse(one)
            self._far.silent += not said
            self._waiting += more
            size += length
        yield self._rows.count

    def _became(self, told: Told, became: Any) -> None:
        match became["result"]:
            case "accepted":
                self._far.accepted += 1
            case "duplicate":
                self._far.repeated += 1
            case _:
                self._refuse(refused(told, became["problem"]))

    def _refuse(self, one: RowRefused) -> None:
        self._far.refuse(one)
        self._listing.add(one)


def show(console: Console, name: str, far: Far) -> None:
    """The report for a person."""
    console.print(
        f"{printable(name)}: {far.row:,} rows: {far.accepted:,} events accepted, {far.repeated:,} repeats, "
        f"{far.refused:,} refused; {far.silent:,} rows say nothing",
        highlight=False,
    )
    for one in sorted(far.reasons.values(), key=lambda reason: -reason.count):
        first = one.examples[0]
        console.print(Text(f"\n{first.rule}  {printable(first.where)}  {one.count:,} refused", style="bold red"))
        for row in one.examples:
            console.print(Text(f"    row {row.row}  {printable(row.case)}  {printable(row.detail)}", style="dim"))
        console.print(Text(f"  → {printable(first.way_out)}"))
