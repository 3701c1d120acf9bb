"""HTTP: the published language, public: for whoever wants to read our facts, or to say facts to us."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as Part
from fastapi.responses import FileResponse

from events.contracts.terms import FactName
from events.errors import NotFound
from events.http.app import says
from events.kafka.cloudevent import LARGEST_SCHEMA
from events.schemas.files import ASYNCAPI, SCHEMAS
from events.schemas.schemas import ENVELOPE, identity

Number = Annotated[int, Part(ge=1, le=LARGEST_SCHEMA)]


def routes(folder: Path) -> APIRouter:
    """The files of `folder`, as `onedoor contracts write` made them: the schemas of retired numbers are there too."""
    router = APIRouter(tags=["language"])

    @router.get("/asyncapi", **says("application/yaml"))
    async def asyncapi() -> FileResponse:
        """The AsyncAPI document: what is on which topic, under which key, said and heard by whom."""
        return _file(folder / ASYNCAPI, "application/yaml")

    @router.get(f"/schemas/{ENVELOPE}", **says("application/schema+json"))
    async def envelope() -> FileResponse:
        """The JSON Schema of the envelope around every fact."""
        return _file(folder / SCHEMAS / f"{ENVELOPE}.json", "application/schema+json")

    @router.get("/schemas/{fact}/{version}", **says("application/schema+json"))
    async def schema(fact: FactName, version: Number) -> FileResponse:
        """The JSON Schema of a fact's data; `version` is the number in its type, as in onedoor.CaseClosed.v1."""
        return _file(folder / SCHEMAS / f"{identity(fact, version)}.json", "application/schema+json")

    return router


def _file(path: Path, media_type: str) -> FileResponse:
    """Raises NotFound."""
    if not path.is_file():
        way_out = "/asyncapi names every fact and its schemas"
        raise NotFound("no-such-schema", f"nothing is published as {path.name}", way_out=way_out)
    return FileResponse(path, media_type=media_type)
