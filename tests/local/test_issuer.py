"""The dev issuer's tokens are what any OpenID provider's would be to a service."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import pytest_asyncio
from aiohttp import BasicAuth
from aiohttp.test_utils import TestClient, TestServer

from local.issuer import AUDIENCE, Issuer
from local.keys import load_key
from local.ports import free_port

SECRET = "dev-secret"
Client = TestClient[Any, Any]


@pytest_asyncio.fixture
async def issuer(tmp_path: Path) -> AsyncIterator[Client]:
    async with client_of(tmp_path) as client:
        yield client


def client_of(folder: Path) -> Client:
    port = free_port()
    server = Issuer(f"http://127.0.0.1:{port}", SECRET, load_key(folder / "key.pem"))
    return TestClient(TestServer(server.application(), port=port))


async def claims(issuer: Client, token: str) -> dict[str, Any]:
    """What a service makes of a token: keys and issuer from the published configuration."""
    configuration = await (await issuer.get("/.well-known/openid-configuration")).json()
    keys = jwt.PyJWKSet.from_dict(await (await issuer.get("/jwks.json")).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, algorithms=["EdDSA"], audience=AUDIENCE, issuer=configuration["issuer"])


async def token(issuer: Client, client: str, **form: str) -> str:
    answer = await issuer.post(
        "/token", data={"grant_type": "client_credentials", **form}, auth=BasicAuth(client, SECRET)
    )
    assert answer.status == 200
    return str((await answer.json())["access_token"])


async def test_a_token_says_role_and_unit_and_names_nobody(issuer: Client) -> None:
    said = await claims(issuer, await token(issuer, "receptionist.PAC-193", member="02"))
    assert (said["sub"], said["roles"], said["unit"]) == ("staff-PAC-193-02", ["receptionist"], "PAC-193")
    assert said["exp"] - said["iat"] == 12 * 3600


async def test_credentials_may_come_in_the_body(issuer: Client) -> None:
    form = {"grant_type": "client_credentials", "client_id": "operator.onedoor", "client_secret": SECRET}
    answer = await issuer.post("/token", data=form)
    assert (await claims(issuer, (await answer.json())["access_token"]))["roles"] == ["operator"]


@pytest.mark.parametrize(
    ("client", "secret"),
    [("receptionist.PAC-193", "guess"), ("king.PAC-193", SECRET), ("receptionist", SECRET), ("", "")],
)
async def test_who_is_not_known_gets_no_token(issuer: Client, client: str, secret: str) -> None:
    answer = await issuer.post("/token", data={"grant_type": "client_credentials"}, auth=BasicAuth(client, secret))
    assert answer.status == 401
    assert (await answer.json())["error"] == "invalid_client"


async def test_a_token_outlives_the_issuer(tmp_path: Path) -> None:
    async with client_of(tmp_path) as before:
        issued = await token(before, "officer.DL-193")
        url = (await (await before.get("/.well-known/openid-configuration")).json())["issuer"]
    async with client_of(tmp_path) as after:
        keys = jwt.PyJWKSet.from_dict(await (await after.get("/jwks.json")).json())
        said = jwt.decode(issued, keys.keys[0], algorithms=["EdDSA"], audience=AUDIENCE, issuer=url)
    assert said["unit"] == "DL-193"


def test_only_its_owner_can_read_the_key(tmp_path: Path) -> None:
    load_key(tmp_path / "key.pem")
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
