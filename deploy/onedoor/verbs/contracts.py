"""`onedoor contracts`: the published language in a checkout: written anew, and checked against what was released."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from events.contracts import CATALOGUE
from events.contracts.channels import SERVICES
from events.errors import OnedoorError
from events.http.openapi import FOLDER
from events.schemas.acls import SCRIPT, script
from events.schemas.files import ASYNCAPI, SCHEMAS, by_name, files, read
from events.schemas.released import Refusal, refusals
from events.schemas.schemas import ENVELOPE
from local.addresses import plain_environment
from onedoor.verbs.parked import AsJson

CHECKOUT: Final = Path(__file__).parents[3]
DOCS: Final = CHECKOUT / "docs"
GOLDENS: Final = CHECKOUT / "tests" / "contracts" / "goldens"
# What a service has to be told before it says anything. To say its routes it uses nothing of it.
UNUSED: Final = dict.fromkeys(
    (
        "KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "OIDC_ISSUER", "ZALO_API_URL", "ZALO_OAUTH_URL", "ZALO_APP_ID",
        "ZALO_APP_SECRET", "ZALO_OA_SECRET", "ZALO_REFRESH_TOKEN",
    ),
    "unused",
)  # fmt: skip
Goldens = Annotated[Path, typer.Option(help="The folder of goldens, a record of each fact and schema number.")]

contracts = typer.Typer(
    help="The published language of a checkout: schemas, the AsyncAPI document, an OpenAPI document of each service.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@contracts.command()
def write(
    into: Annotated[Path, typer.Option(help="The folder to write into.")] = DOCS, goldens: Goldens = GOLDENS
) -> None:
    """Write asyncapi.yaml, a JSON Schema of every fact and the services' OpenAPI documents, as the code has them.

    Beside that folder, in deploy/kafka, the command lines that tell Kafka who may write and read which topic. What is
    released of facts only grows.

    Exit code 1: the code breaks a released schema or golden, so nothing was written.

    \b
    onedoor contracts write
    """
    released = into / SCHEMAS
    if broken := _refusals(released, goldens) if by_name(released) else []:
        _tell(broken)
        sys.exit(1)
    made = {into / name: text for name, text in {**files(by_name(goldens), by_name(released)), **_openapi()}.items()}
    made[into.parent / "deploy" / SCRIPT] = script()
    changed = 0
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(path)
            changed += 1
    print(f"{changed} of {len(made)} files written")


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


def _openapi() -> Mapping[str, str]:
    """The HTTP of each service by its file, as the service's own program says it. Raises OnedoorError."""
    environment = plain_environment() | UNUSED
    programs = {
        service: subprocess.Popen(
            [sys.executable, "-m", service, "openapi"], env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for service in SERVICES
    }  # fmt: skip
    said = {service: program.communicate() for service, program in programs.items()}
    for service, (_, trouble) in said.items():
        if programs[service].returncode:
            raise OnedoorError(f"{service} does not say its routes: {trouble.strip().rpartition(chr(10))[2]}")
    return {f"{FOLDER}/{service}.json": text for service, (text, _) in said.items()}


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
