"""`onedoor contracts`: the published language in a checkout: written anew, and checked against what was released."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from events.contracts import CATALOGUE
from events.errors import OnedoorError
from events.language.files import ASYNCAPI, SCHEMAS, by_name, files, read
from events.language.released import Refusal, refusals
from events.language.schemas import ENVELOPE
from onedoor.parked import AsJson

CHECKOUT: Final = Path(__file__).parents[2]
DOCS: Final = CHECKOUT / "docs"
GOLDENS: Final = CHECKOUT / "tests" / "contracts" / "goldens"
Goldens = Annotated[Path, typer.Option(help="The folder of goldens, a record of each fact and schema number.")]

contracts = typer.Typer(
    help="The published language: schemas and the AsyncAPI document of a checkout.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@contracts.command()
def write(
    into: Annotated[Path, typer.Option(help="The folder to write into.")] = DOCS, goldens: Goldens = GOLDENS
) -> None:
    """Write asyncapi.yaml and a JSON Schema of every fact, as the code has them. What is released only grows.

    Exit code 1: the code breaks a released schema or golden, so nothing was written.

    \b
    onedoor contracts write
    """
    released = into / SCHEMAS
    if broken := _refusals(released, goldens) if by_name(released) else []:
        _tell(broken)
        sys.exit(1)
    released.mkdir(parents=True, exist_ok=True)
    changed = 0
    for name, text in files(by_name(goldens), by_name(released)).items():
        path = into / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(path)
            changed += 1
    print(f"{changed} of {len(CATALOGUE) + 2} files written")


@contracts.command()
def check(
    against: Annotated[Path, typer.Option(help="The folder of released schemas.")] = DOCS / SCHEMAS,
    goldens: Goldens = GOLDENS,
    as_json: AsJson = False,
) -> None:
    """Compare the code with every released schema and golden. Within a schema number only optional fields may come.

    Each change that breaks somebody is a line: the field, what was and what is, whom it breaks, and the way out. Give
    the schemas of the last release to compare with those and not with the checkout's own. Exit code 1: there is such
    a change.

    \b
    onedoor contracts check
    onedoor contracts check --against ../released/docs/schemas
    """
    broken = _refusals(against, goldens)
    if as_json:
        rows = [{"fact": one.fact, **one.broken._asdict(), "way_out": one.way_out} for one in broken]
        print(json.dumps(rows, indent=1, ensure_ascii=False))
    elif broken:
        _tell(broken)
    else:
        print(f"{len(CATALOGUE)} facts go together with every schema in {against} and every golden")
    if broken:
        sys.exit(1)


def _refusals(schemas: Path, goldens: Path) -> Sequence[Refusal]:
    """Raises OnedoorError where nothing was released, or a file is not readable."""
    released = by_name(schemas)
    if not released:
        raise OnedoorError(
            f"{schemas} has no released schema; `onedoor contracts write` makes {ASYNCAPI} and the schemas"
        )
    around = schemas / f"{ENVELOPE}.json"
    return refusals(released, read(around) if around.exists() else None, by_name(goldens))


def _tell(broken: Sequence[Refusal]) -> None:
    for fact, one, way_out in broken:
        print(
            f"{fact} {one.path}: {one.change}, was {one.was}, is {one.now}; breaks {one.breaks}: {one.why}. "
            f"Way out: {way_out}"
        )
