"""Every error over HTTP is a problem document: which field, which rule, what to do. Tokens open what the table says."""

import gzip
import json
import tracemalloc
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import aiohttp
import asyncpg
import jwt
import pytest
import pytest_asyncio
from contracts.servers import Issuer, issuing, serving
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Depends, FastAPI, Query, Request
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from events.actor import Actor
from events.clock import now
from events.contracts.terms import Date, Instant, UnitCode
from events.errors import Conflict, NotFound, Stale
from events.http import problems
from events.http.app import Asked, asked
from events.http.auth import Allowed, Gate, within
from events.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["RS256", "ES256", "EdDSA"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4,
)  # fmt: skip
ERRORS: dict[str, Exception] = {
    "conflict": Conflict("already-acknowledged", "PAC-1 has it", field="unit", way_out="ask PAC-1"),
    "missing": NotFound("unknown-dossier", "no such dossier", field="case_id"),
    "stale": Stale("stale-version", "you saw 1", field="If-Match", version=3),
    "away": asyncpg.ConnectionDoesNotExistError("gone"),
    "mistake": ZeroDivisionError("a secret: Nguyen Van An"),
}


class Form(BaseModel):
    unit: UnitCode
    stars: int


class Unions(BaseModel):
    model_config = ConfigDict(extra="forbid")
    when: Instant | Date | None = None
    several: tuple[Form | int, ...] = ()


@dataclass
class Client:
    """Asks the application and tells what came back."""

    url: str
    issuer: Issuer
    http: aiohttp.ClientSession

    async def ask(self, path: str, method: str = "POST", token: str | None = "", **more: Any) -> tuple[int, Any, Any]:
        headers = more.pop("headers", {})
        if token is not None:
            headers = {"Authorization": f"Bearer {token or self.issuer.token()}", **headers}
        async with self.http.request(method, self.url + path, headers=headers, **more) as answer:
            body = await answer.json(content_type=None)
            if answer.status >= 400:
                assert answer.content_type == "application/problem+json"
                assert body["status"] == answer.status
                assert body["type"] == f"urn:onedoor:problem:{body['title'].replace(' ', '-')}"
                assert body["detail"]
                assert body["way_out"] or path in ("/error/missing", "/error/stale")
            return answer.status, body, answer.headers


def _application(issuer: Issuer) -> FastAPI:
    app = FastAPI()
    problems.install(app)
    app.state.gate = Gate(issuer.url)
    app.state.settings = Settings(kafka_bootstrap_servers="-", database_url="-", oidc_issuer=issuer.url)

    @app.post("/form")
    async def form(form: Form, frame: Annotated[Asked, Depends(asked)]) -> dict[str, Any]:
        return {"unit": form.unit, "key": frame.key, "seen": frame.seen, "trace": frame.trace}

    @app.post("/unions")
    async def unions(
        body: Unions, as_of: Instant | Date | None = None, number: Annotated[list[int | float] | None, Query()] = None
    ) -> None: ...

    @app.post("/bytes")
    async def raw(request: Request) -> int:
        return len(await request.body())

    @app.get("/receive")
    async def receive(actor: Annotated[Actor, Depends(Allowed("receive"))], unit: str = "PAC-HA-LONG") -> str:
        within(actor, unit, "unit")
        return actor.id

    @app.get("/error/{name}")
    async def error(name: str) -> None:
        raise ERRORS[name]

    return app


@asynccontextmanager
async def asking() -> AsyncIterator[Client]:
    async with issuing() as issuer, serving(_application(issuer)) as url, aiohttp.ClientSession() as http:
        yield Client(url, issuer, http)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client() -> AsyncIterator[Client]:
    """One application for the questions that leave no trace in it."""
    async with asking() as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def fresh() -> AsyncIterator[Client]:
    """An application that has not asked its issuer for anything yet."""
    async with asking() as one:
        yield one


GOOD = {"unit": "PAC-HA-LONG", "stars": 4}


async def test_a_good_request_gets_its_answer(client: Client) -> None:
    """So that the refusals below are refused for their own reason."""
    headers = {"Idempotency-Key": "k-1", "If-Match": 'W/"7"', "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    status, body, _ = await client.ask("/form", json=GOOD, headers=headers)
    assert (status, body["key"], body["seen"], body["trace"]) == (200, "k-1", 7, headers["traceparent"])
    assert (await client.ask("/receive", "GET"))[:2] == (200, "staff-193-02")


async def test_broken_json_is_said_to_be_broken(client: Client) -> None:
    """The field is the body; the place in it is in the detail."""
    status, body, _ = await client.ask("/form", data=b'{"unit": ', headers={"Content-Type": "application/json"})
    assert (status, body["title"], body["field"]) == (400, "broken json", "body")
    assert "JSON" in body["way_out"]


async def test_every_wrong_field_is_named(client: Client) -> None:
    """All at once, so that nobody mends them one by one."""
    status, body, _ = await client.ask("/form", json={"unit": "not a unit", "stars": "many"})
    assert (status, body["title"]) == (422, "invalid request")
    assert [error["field"] for error in body["errors"]] == ["unit", "stars"]
    assert all(error["rule"] and error["detail"] for error in body["errors"])


@pytest.mark.parametrize(
    ("query", "body", "fields"),
    [
        ("?as_of=1796130000", {}, {"query.as_of"}),
        ("?number=x", {}, {"query.number.0"}),
        ("", {"when": 7}, {"when"}),
        ("", {"several": [{"unit": "x", "stars": 1}]}, {"several.0", "several.0.unit"}),
        ("", {"several": [{"unit": "PAC-193"}]}, {"several.0", "several.0.stars"}),
        ("", {"more": 7}, {"more"}),
    ],
)
async def test_the_members_of_a_union_are_no_part_of_a_field(
    client: Client, query: str, body: dict[str, Any], fields: set[str]
) -> None:
    """pydantic names each that it tried, in its own words."""
    status, answer, _ = await client.ask(f"/unions{query}", json=body)
    assert status == 422
    assert {error["field"] for error in answer["errors"]} == fields


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("If-Match", "yesterday"),
        ("If-Match", "9" * 19),
        ("If-Match", "9" * 5000),
        ("Idempotency-Key", "Nguyen Van An"),
        ("Idempotency-Key", "k" * 201),
    ],
)
async def test_a_wrong_header_is_named(client: Client, header: str, value: str) -> None:
    """A key travels with the facts as their correlation: no sentence fits into it."""
    status, body, _ = await client.ask("/form", json=GOOD, headers={header: value})
    assert status == 422
    assert header.lower() in body["field"].lower()


async def test_a_trace_that_is_none_is_left_out(client: Client) -> None:
    """As the standard asks: a broken trace never fails a request."""
    _, body, _ = await client.ask("/form", json=GOOD, headers={"traceparent": "Nguyen Van An"})
    assert body["trace"] is None


@pytest.mark.parametrize("path", ["/form", "/bytes"])
@pytest.mark.parametrize("announced", [True, False])
async def test_an_oversized_body_is_refused(client: Client, path: str, announced: bool) -> None:
    """Whether its length was announced or it only kept coming."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * (1 << 16)

    data: Any = b" " * ((1 << 20) + 1) if announced else endless()
    status, body, _ = await client.ask(path, data=data, headers={"Content-Type": "application/json"})
    assert (status, body["title"], body["field"]) == (413, "body too large", "body")


async def test_the_largest_body_is_let_through(client: Client) -> None:
    """The limit itself is allowed."""
    assert (await client.ask("/bytes", data=b" " * (1 << 20)))[:2] == (200, 1 << 20)


TYPED: dict[str, str] = {"Content-Type": "application/json"}


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP"])
async def test_a_packed_body_is_unpacked(client: Client, encoding: str) -> None:
    """Also in two members, as senders write that pack what they buffer. `identity` and no body are no encoding."""
    packed = gzip.compress(json.dumps(GOOD).encode())
    asked: dict[str, Any] = {"headers": {**TYPED, "Content-Encoding": encoding}}
    assert (await client.ask("/form", data=packed, **asked))[0] == 200
    halves = gzip.compress(b" " * 1000) + gzip.compress(b" " * 24)
    assert (await client.ask("/bytes", data=halves, **asked))[:2] == (200, 1024)
    plain: dict[str, Any] = {"headers": {**TYPED, "Content-Encoding": "identity"}}
    assert (await client.ask("/form", data=json.dumps(GOOD).encode(), **plain))[0] == 200
    assert (await client.ask("/receive", "GET", **asked))[0] == 200


@pytest.mark.parametrize("path", ["/form", "/bytes"])
async def test_a_packed_body_is_limited_by_what_it_unpacks_to(client: Client, path: str) -> None:
    """Ten mebibytes of zeros are ten kilobytes on the wire; also where several members make them up."""
    asked: dict[str, Any] = {"headers": {**TYPED, "Content-Encoding": "gzip"}}
    assert (await client.ask("/bytes", data=gzip.compress(b" " * (1 << 20)), **asked))[:2] == (200, 1 << 20)
    for bomb in (
        gzip.compress(b" " * ((1 << 20) + 1)),
        gzip.compress(b"0" * 10_000_000),
        2 * gzip.compress(b" " * (1 << 20)),
    ):
        status, body, _ = await client.ask(path, data=bomb, **asked)
        assert (status, body["title"], body["field"]) == (413, "body too large", "body")


async def test_a_bomb_is_not_unpacked_beyond_the_limit() -> None:
    """Whatever a chunk would unpack to, no more than the limit is ever held."""
    gunzip = problems.Gunzip(100)
    assert gunzip.add(gzip.compress(b"0" * 100)) == b"0" * 100
    bomb = gzip.compress(b"0" * 50_000_000)
    tracemalloc.start()
    with pytest.raises(problems.TooLarge):
        problems.Gunzip(100).add(bomb)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd", "nonsense"])
async def test_an_encoding_that_is_not_known_is_refused_with_those_that_are(client: Client, encoding: str) -> None:
    status, body, headers = await client.ask("/form", json=GOOD, headers={"Content-Encoding": encoding})
    assert (status, body["title"], body["field"]) == (415, "unknown encoding", "Content-Encoding")
    assert headers["Accept-Encoding"] == "gzip"


WHOLE = gzip.compress(json.dumps(GOOD).encode())
BROKEN = {
    "cut off": WHOLE[:-4],
    "not packed": b"plain",
    "more behind it": WHOLE + b"more",
    "another sum": WHOLE[:-8] + b"12345678",
    "too many members": gzip.compress(b"") * 2000,
}


@pytest.mark.parametrize("packed", BROKEN.values(), ids=BROKEN)
async def test_what_is_not_packed_as_it_says_is_refused(client: Client, packed: bytes) -> None:
    status, body, _ = await client.ask("/form", data=packed, headers={**TYPED, "Content-Encoding": "gzip"})
    assert (status, body["title"], body["field"]) == (400, "broken encoding", "Content-Encoding")


async def test_a_byte_order_mark_before_a_command_is_ignored(client: Client) -> None:
    body = b"\xef\xbb\xbf" + json.dumps(GOOD).encode()
    assert (await client.ask("/form", data=body, headers=TYPED))[0] == 200


@pytest.mark.parametrize(
    ("name", "status", "told"),
    [
        ("conflict", 409, {"title": "already acknowledged", "field": "unit", "way_out": "ask PAC-1"}),
        ("missing", 404, {"title": "unknown dossier", "field": "case_id"}),
        ("stale", 412, {"field": "If-Match", "version": 3}),
        ("away", 503, {"title": "unavailable"}),
        ("mistake", 500, {"title": "unexpected"}),
    ],
)
async def test_every_error_becomes_its_document(client: Client, name: str, status: int, told: dict[str, Any]) -> None:
    """A refusal says its rule; a fault of ours says nothing about itself."""
    answer, body, _ = await client.ask(f"/error/{name}", "GET")
    assert answer == status
    assert told.items() <= body.items()
    assert "secret" not in str(body)


async def test_who_must_wait_is_told_how_long(client: Client) -> None:
    """A client that retries at once makes it worse."""
    assert (await client.ask("/error/away", "GET"))[2]["Retry-After"] == "1"


@pytest.mark.parametrize(("path", "method", "status"), [("/nowhere", "GET", 404), ("/form", "GET", 405)])
async def test_an_unknown_route_or_method_is_a_document_too(
    client: Client, path: str, method: str, status: int
) -> None:
    """And says which methods there are."""
    answer, _, headers = await client.ask(path, method)
    assert answer == status
    assert ("Allow" in headers) == (status == 405)


async def test_without_a_token_nobody_comes_in(client: Client) -> None:
    """The answer says how one is sent."""
    status, body, headers = await client.ask("/receive", "GET", token=None)
    assert (status, body["field"]) == (401, "Authorization")
    assert headers["WWW-Authenticate"].startswith("Bearer")


def _tokens(issuer: Issuer) -> dict[str, str]:
    stranger = Ed25519PrivateKey.generate()
    return {
        "garbage": "garbage",
        "another key's signature": issuer.token(signed_by=stranger),
        "unknown key": issuer.token(key="second", signed_by=stranger),
        "expired": issuer.token(exp=1_000_000_000),
        "no expiry": issuer.token(exp=None),
        "no subject": issuer.token(sub=None),
        "another audience": issuer.token(aud="elsewhere"),
        "another issuer": issuer.token(iss="http://elsewhere"),
        "roles are no list": issuer.token(roles=7),
        "roles are nothing": issuer.token(roles={"receptionist": 1}),
        "a unit that is no text": issuer.token(unit=7),
        "not yet valid": issuer.token(nbf=int(now().timestamp()) + 60),
        "issued in a minute": issuer.token(iat=int(now().timestamp()) + 60),
        "just expired": issuer.token(exp=int(now().timestamp())),
        "RS256 with a key for EdDSA": forged({"alg": "RS256", "kid": "first"}),
        "ES256 with a key for EdDSA": forged({"alg": "ES256", "kid": "first"}),
        "HS256 with a key for EdDSA": forged({"alg": "HS256", "kid": "first"}),
        "no algorithm": forged({"alg": "none", "kid": "first"}),
        "an algorithm that is no text": forged({"alg": ["EdDSA"], "kid": "first"}),
        "a key's name that is no text": forged({"alg": "EdDSA", "kid": 7}),
        "no key named where there is another": issuer.token(key=None, signed_by=stranger),
        "a header of thousands of brackets": f"{urlsafe_b64encode(b'[' * 12_000).decode()}.e30.AAAA",
    }


def forged(header: dict[str, Any]) -> str:
    """A token that nobody signed."""
    parts = (json.dumps(header).encode(), b'{"sub": "staff-193-02", "exp": 9999999999}', b"no signature")
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


BAD = list(_tokens(Issuer()))


@pytest.mark.parametrize("which", BAD)
async def test_a_token_that_cannot_be_trusted_is_refused(client: Client, which: str) -> None:
    """Forged, foreign, expired or misshapen: 401, never 500."""
    status, body, _ = await client.ask("/receive", "GET", token=_tokens(client.issuer)[which])
    assert (status, body["title"]) == (401, "no valid token")


@given(
    header=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk"]), JSON), signature=st.binary()
)
@settings(max_examples=150, deadline=None)
async def test_no_header_of_a_token_is_a_mistake_of_ours(
    client: Client, header: dict[str, Any], signature: bytes
) -> None:
    """Anybody can write one, without any right."""
    token = f"{forged({'kid': 'first', **header}).rpartition('.')[0]}.{urlsafe_b64encode(signature).decode()}"
    assert (await client.ask("/receive", "GET", token=token))[0] == 401


async def test_a_clock_that_is_a_little_ahead_is_the_issuers(client: Client) -> None:
    """A few seconds for what has begun, none for what is over."""
    ahead = int(now().timestamp()) + 2
    assert (await client.ask("/receive", "GET", token=client.issuer.token(iat=ahead, nbf=ahead)))[0] == 200


@pytest.mark.parametrize(("named", "told"), [(None, None), (None, "first"), ("first", None)])
async def test_the_only_key_of_an_issuer_needs_no_name(fresh: Client, named: str | None, told: str | None) -> None:
    """Neither in its list nor in the token; what it signs decides."""
    fresh.issuer.names["first"] = told
    token = fresh.issuer.token(key=named, signed_by=fresh.issuer.keys["first"])
    assert (await fresh.ask("/receive", "GET", token=token))[0] == 200
    stranger = fresh.issuer.token(key=named, signed_by=Ed25519PrivateKey.generate())
    assert (await fresh.ask("/receive", "GET", token=stranger))[0] == 401


async def test_an_only_key_that_has_become_another_is_fetched_again(fresh: Client) -> None:
    """Without names nothing else tells of it; invented signatures do not make us flood the issuer."""
    fresh.issuer.names["first"] = None
    assert (await fresh.ask("/receive", "GET", token=fresh.issuer.token(key=None)))[0] == 200
    fresh.issuer.keys["first"] = Ed25519PrivateKey.generate()
    assert (await fresh.ask("/receive", "GET", token=fresh.issuer.token(key=None)))[0] == 200
    for _ in range(5):
        stranger = fresh.issuer.token(key=None, signed_by=Ed25519PrivateKey.generate())
        assert (await fresh.ask("/receive", "GET", token=stranger))[0] == 401
    assert fresh.issuer.asked == 2


async def test_of_several_keys_one_must_be_named(fresh: Client) -> None:
    """And is taken by its name alone."""
    fresh.issuer.keys["second"] = Ed25519PrivateKey.generate()
    signed_by = fresh.issuer.keys["second"]
    assert (await fresh.ask("/receive", "GET", token=fresh.issuer.token(key=None, signed_by=signed_by)))[0] == 401
    assert (await fresh.ask("/receive", "GET", token=fresh.issuer.token(key="second")))[0] == 200


async def test_a_key_for_an_algorithm_that_we_do_not_take_is_none(fresh: Client) -> None:
    """Keys for encryption and for other algorithms stand in the same list."""
    fresh.issuer.more = [
        {"kty": "oct", "kid": "secret", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "alg": "HS256"},
        {"kty": "RSA", "kid": "wrap", "use": "enc", "n": "AQAB", "e": "AQAB", "alg": "RSA-OAEP"},
    ]
    secret = jwt.encode({"sub": "staff-193-02", "exp": 9999999999}, "secret-secret-secret-secret-secret", "HS256",
                        headers={"kid": "secret"})  # fmt: skip
    assert (await fresh.ask("/receive", "GET", token=secret))[0] == 401
    assert (await fresh.ask("/receive", "GET", token=fresh.issuer.token(key=None)))[0] == 200


async def test_the_wrong_role_is_told_which_one_it_takes(client: Client) -> None:
    """And a token without roles may nothing."""
    for roles in (["officer"], None, []):
        status, body, _ = await client.ask("/receive", "GET", token=client.issuer.token(roles=roles))
        assert (status, body["title"]) == (403, "wrong role")
        assert "receptionist" in body["detail"]


async def test_another_unit_is_refused_and_a_leader_is_not(client: Client) -> None:
    """A counter acts for itself."""
    status, body, _ = await client.ask("/receive?unit=PAC-UONG-BI", "GET")
    assert (status, body["title"], body["field"]) == (403, "wrong unit", "unit")
    leader = client.issuer.token(roles=["receptionist", "leader"])
    assert (await client.ask("/receive?unit=PAC-UONG-BI", "GET", token=leader))[0] == 200


async def test_a_new_key_of_the_issuer_is_fetched_when_it_is_first_seen(fresh: Client) -> None:
    """Keys are rotated without a restart of ours."""
    await fresh.ask("/receive", "GET")
    fresh.issuer.keys["second"] = Ed25519PrivateKey.generate()
    assert (await fresh.ask("/receive", "GET", token=fresh.issuer.token(key="second")))[0] == 200
    assert fresh.issuer.asked == 2


async def test_tokens_with_invented_keys_do_not_make_us_flood_the_issuer(fresh: Client) -> None:
    """Anybody can send a token; only now and then may one make us ask."""
    stranger = Ed25519PrivateKey.generate()
    for number in range(10):
        token = fresh.issuer.token(key=f"invented-{number}", signed_by=stranger)
        assert (await fresh.ask("/receive", "GET", token=token))[0] == 401
    assert fresh.issuer.asked <= 2


@pytest.mark.parametrize("document", ["{", "[]", "{}", '{"keys": []}', '{"keys": 7}'])
async def test_an_issuer_that_tells_nonsense_lets_nobody_in(fresh: Client, document: str) -> None:
    """It is not the caller's mistake, and not an error of ours either."""
    fresh.issuer.document = document
    assert (await fresh.ask("/receive", "GET"))[0] in (401, 503)


async def test_an_issuer_that_is_away_is_a_reason_to_wait() -> None:
    """The token may be good; the caller should not throw it away."""
    async with issuing() as gone:
        token = gone.token()
    async with serving(_application(gone)) as url, aiohttp.ClientSession() as http:
        status, body, _ = await Client(url, gone, http).ask("/receive", "GET", token=token)
    assert (status, body["title"]) == (503, "unavailable")
