"""Errors over HTTP as problem documents (RFC 9457): which field, which rule, what to do. The only place for them."""

import zlib
from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from events.errors import Refused
from events.http.auth import Unauthenticated
from events.store.database import TRANSIENT

LARGEST_BODY = 1 << 20  # bytes; a dossier's form is a few kilobytes, files go to object storage
ENCODINGS = ("gzip", "x-gzip")  # two names of one (RFC 9110, 8.4.1.3)
GZIP = 16 + zlib.MAX_WBITS  # a member of gzip with its header, its sum and its length
MOST_MEMBERS = 1000  # each costs a copy of what follows it
PARAMETERS = (("path",), ("query",), ("header",), ("cookie",))
# What to do where the refusal itself does not say.
WAY_OUT = {
    403: "ask somebody who has the right",
    404: "check the code, or look it up in the list",
    409: "read it again: somebody has changed it",
    412: "read it again and decide on what it says now",
    422: "mend the field that is named and send it again",
    429: "wait as long as Retry-After says",
}
log = structlog.get_logger("events.problems")


def problem(status: int, rule: str, detail: str, **more: Any) -> JSONResponse:
    """A problem document. `rule` is stable; `field` and `way_out` are there whenever they are known."""
    return JSONResponse(document(status, rule, detail, **more), status, media_type="application/problem+json")


def document(status: int, rule: str, detail: str, **more: Any) -> dict[str, Any]:
    """The same as a plain value: one of many in an answer."""
    body = {"type": f"urn:onedoor:problem:{rule}", "title": rule.replace("-", " "), "status": status, "detail": detail}
    return body | {name: value for name, value in more.items() if value is not None}


def refusal(refused: Refused) -> dict[str, Any]:
    """The problem document of a refusal, as one of many in an answer."""
    way_out = refused.way_out or WAY_OUT.get(refused.status)
    return document(refused.status, refused.rule, refused.detail, field=refused.field, way_out=way_out, **refused.more)


def refused(request: Request, refused: Refused) -> Response:
    """The answer that says so."""
    body = refusal(refused)
    if refused.field is None and (named := next(iter(request.path_params), None)):
        body["field"] = named  # without one it is about what the path names
    answer = JSONResponse(body, refused.status, media_type="application/problem+json")
    if "retry_after" in refused.more:
        answer.headers["Retry-After"] = str(refused.more["retry_after"])
    return answer


def _unauthenticated(_: Request, error: Unauthenticated) -> Response:
    answer = problem(401, "no-valid-token", str(error), field="Authorization",
                     way_out="get a token from the issuer and send it with every request")  # fmt: skip
    answer.headers["WWW-Authenticate"] = 'Bearer realm="onedoor"'
    return answer


def _invalid(_: Request, invalid: RequestValidationError | ValidationError) -> Response:
    sent = getattr(invalid, "body", None)
    errors = [
        {"field": _field(error["type"], error["loc"], sent), "rule": error["type"], "detail": error["msg"]}
        for error in invalid.errors()
    ]
    broken = any(error["rule"] == "json_invalid" for error in errors)
    return problem(
        400 if broken else 422,
        "broken-json" if broken else "invalid-request",
        "; ".join(f"{error['field']}: {error['detail']}" for error in errors),
        field=errors[0]["field"],
        errors=errors,
        way_out="send well-formed JSON" if broken else "mend the fields named in `errors`; /docs shows each one",
    )


def _field(rule: str, place: Sequence[int | str], body: Any) -> str:
    """The field as the caller wrote it; in broken JSON the place is a number of bytes, and the body is at fault.

    pydantic also names the member of a union that it tried: no key of what was sent.
    """
    if rule == "json_invalid":
        return "body"
    if place[:1] != ("body",) and place[:1] not in PARAMETERS:  # of a value that was made here, not of a request
        return ".".join(map(str, place)) or "body"
    if place[0] != "body":  # its place, its name, and in a list of values the number
        return ".".join([*map(str, place[:2]), *(str(part) for part in place[2:] if isinstance(part, int))])
    inside: list[str] = []
    value: Any = body
    for number, part in enumerate(place[1:], 2):
        known: dict[Any, Any] = dict(enumerate(value)) if isinstance(value, list) else {}
        known = value if isinstance(value, dict) else known
        if part in known or isinstance(part, int) or (rule == "missing" and number == len(place)):
            inside.append(str(part))
            value = known.get(part)
    return ".".join(inside) or "body"


def _http(_: Request, error: HTTPException) -> Response:
    rule = {404: "no-such-route", 405: "method-not-allowed"}.get(error.status_code, "http-error")
    answer = problem(error.status_code, rule, str(error.detail), way_out="/docs lists the routes")
    answer.headers.update(error.headers or {})
    if "GET" in (allowed := answer.headers.get("Allow", "").split(", ")):
        answer.headers["Allow"] = ", ".join(dict.fromkeys([*allowed, "HEAD"]))
    return answer


def _away(request: Request, error: Exception) -> Response:
    log.warning("unavailable", path=request.url.path, error=repr(error))
    answer = problem(503, "unavailable", "a part that this needs does not answer just now; nothing was recorded",
                     way_out="send the request again with the same Idempotency-Key")  # fmt: skip
    answer.headers["Retry-After"] = "1"
    return answer


def _unexpected(request: Request, error: Exception) -> Response:
    log.error("unexpected", path=request.url.path, exc_info=error)
    return problem(
        500, "unexpected", "this is our mistake; it is in the log", way_out="send it again or ask an operator"
    )


class LimitBody:
    """Gives an application the body unpacked, and refuses one over the limit before it is read to the end: whether or
    not its length was announced, and by what it unpacks to."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        announced = headers.get("content-length", "0")
        encoding = ", ".join(headers.getlist("content-encoding")).strip().lower()
        if encoding not in ("", "identity", *ENCODINGS):
            await unknown_encoding()(scope, receive, send)
            return
        if announced.isdigit() and int(announced) > LARGEST_BODY:
            await too_large()(scope, receive, send)
            return
        size, gunzip = 0, Gunzip(LARGEST_BODY) if encoding in ENCODINGS else None
        if gunzip is not None:  # what is handed on is unpacked
            packing = (b"content-encoding", b"content-length")
            scope = {**scope, "headers": [one for one in scope["headers"] if one[0] not in packing]}

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            body = message.get("body", b"")
            size += len(body)
            if size > LARGEST_BODY:
                raise TooLarge
            if gunzip is None or message["type"] != "http.request":
                return message
            body = gunzip.add(body)
            if not message.get("more_body", False):
                gunzip.end()
            return {**message, "body": body}

        await self.app(scope, counted, send)


class Heads:
    """HEAD on every route that has GET: the same answer, of which only the headers are sent.

    The application is told that the client has gone as soon as they are, so that a stream ends there.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        sent = False

        async def received() -> Message:
            return {"type": "http.disconnect"} if sent else await receive()

        async def headers_only(message: Message) -> None:
            nonlocal sent
            if message["type"] == "http.response.start":
                await send(message)
                sent = True
                await send({"type": "http.response.body", "body": b""})

        await self.app({**scope, "method": "GET"}, received, headers_only)


class Gunzip:
    """Unpacks gzip a piece at a time, of one or more members, to no more than `limit` bytes in all."""

    def __init__(self, limit: int) -> None:
        self._room, self._members = limit, 0
        self._member = self._next()
        self._begun = False

    def add(self, packed: bytes) -> bytes:
        """What a piece unpacks to. Raises TooLarge or BrokenEncoding."""
        parts = []
        while packed:
            if self._member.eof:
                self._member = self._next()
            self._begun = True
            try:
                part = self._member.decompress(packed, self._room + 1)
            except zlib.error as broken:
                raise BrokenEncoding from broken
            self._room -= len(part)
            if self._room < 0:
                raise TooLarge
            parts.append(part)
            packed = self._member.unconsumed_tail or self._member.unused_data
        return b"".join(parts)

    def end(self) -> None:
        """Nothing follows. Raises BrokenEncoding where something is missing; a request without a body is none."""
        if self._begun and not self._member.eof:
            raise BrokenEncoding

    def _next(self) -> "zlib._Decompress":
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise BrokenEncoding
        return zlib.decompressobj(GZIP)


class KeptNowhere:
    """What is answered is for whoever asked: no browser and no proxy keeps a copy."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start" and b"cache-control" not in dict(message["headers"]):
                message["headers"] = [*message["headers"], (b"cache-control", b"no-store")]
            await send(message)

        await self.app(scope, receive, marked)


class TooLarge(HTTPException):
    """More bytes came than a request may have. An HTTPException, for any other is a broken body to FastAPI."""

    def __init__(self) -> None:
        super().__init__(413)


def too_large() -> Response:
    return problem(413, "body-too-large", f"a request may have {LARGEST_BODY} bytes", field="body",
                   way_out="send files to the file store and refer to them")  # fmt: skip


class BrokenEncoding(HTTPException):
    """The body is not packed as Content-Encoding says."""

    def __init__(self) -> None:
        super().__init__(400)


def broken_encoding() -> Response:
    return problem(400, "broken-encoding", "the body is not packed as Content-Encoding says",
                   field="Content-Encoding", way_out="pack the whole body with gzip, or send it as it is")  # fmt: skip


def unknown_encoding() -> Response:
    answer = problem(415, "unknown-encoding", "the body is in an encoding that is not read here",
                     field="Content-Encoding", way_out="pack it with gzip, or send it as it is")  # fmt: skip
    answer.headers["Accept-Encoding"] = "gzip"
    return answer


def install(app: FastAPI) -> None:
    """Give an application the handlers, the limit, HEAD, and the word that nothing is to be kept."""
    app.add_middleware(LimitBody)
    app.add_middleware(Heads)
    app.add_middleware(KeptNowhere)
    handlers: dict[Any, Any] = {
        Refused: refused,
        Unauthenticated: _unauthenticated,
        RequestValidationError: _invalid,
        ValidationError: _invalid,
        HTTPException: _http,
        TooLarge: lambda *_: too_large(),
        BrokenEncoding: lambda *_: broken_encoding(),
        Exception: _unexpected,
        **dict.fromkeys(TRANSIENT, _away),
    }
    for error, handler in handlers.items():
        app.add_exception_handler(error, handler)
