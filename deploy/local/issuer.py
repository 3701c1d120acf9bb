"""The dev token issuer: an OpenID provider reduced to client credentials, for a machine without a real one.

One client per role and unit, `<role>.<unit>`, all with one dev secret: receptionist.PAC-193, officer.DL-193,
team.TC-193, leader.PC-QN, operator.onedoor, and for another system emitter.SXD. Its key lives in the state folder, so
tokens survive a restart.
"""

import os
import re
from base64 import b64decode
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote_plus

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from events.actor import Role
from events.clock import now
from local.keys import load_key
from local.server import serve

AUDIENCE = "onedoor"
LIFETIME = timedelta(hours=12)
KEY_ID = "onedoor-local-1"

_CLIENT = re.compile(rf"({'|'.join(get_args(Role))})\.([A-Za-z0-9][A-Za-z0-9.-]{{0,60}})")
_MEMBER = re.compile(r"[0-9]{2}")


class Issuer:
    """Answers who the caller is, to whoever knows the dev secret."""

    def __init__(self, url: str, secret: str, key: Ed25519PrivateKey) -> None:
        self.url, self._secret, self._key = url.rstrip("/"), secret, key

    def application(self) -> web.Application:
        application = web.Application()
        application.add_routes(
            [
                web.get("/.well-known/openid-configuration", self.configuration),
                web.get("/jwks.json", self.keys),
                web.post("/token", self.token),
                web.get("/health/ready", self.ready),
            ]
        )
        return application

    async def configuration(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/jwks.json",
                "token_endpoint": f"{self.url}/token",
                "grant_types_supported": ["client_credentials"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "id_token_signing_alg_values_supported": ["EdDSA"],
                "response_types_supported": [],
                "subject_types_supported": ["public"],
            }
        )

    async def keys(self, _: web.Request) -> web.Response:
        public: dict[str, Any] = OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return web.json_response({"keys": [{**public, "kid": KEY_ID, "use": "sig", "alg": "EdDSA"}]})

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("grant_type") != "client_credentials":
            return _refuse(400, "unsupported_grant_type", "Only client_credentials is known here.")
        client, secret = _credentials(request, str(form.get("client_id", "")), str(form.get("client_secret", "")))
        known = _CLIENT.fullmatch(client)
        if known is None or secret != self._secret:
            return _refuse(401, "invalid_client", "A client is <role>.<unit>; its secret is what `onedoor up` shows.")
        member = str(form.get("member", "01"))
        if _MEMBER.fullmatch(member) is None:
            return _refuse(400, "invalid_request", "member is a number of two digits.")
        signed = self.sign(role=known[1], unit=known[2], member=member)
        answer = {"access_token": signed, "token_type": "Bearer", "expires_in": int(LIFETIME.total_seconds())}
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    def sign(self, *, role: str, unit: str, member: str) -> str:
        """A token for one member of one unit in one role. Members are numbers: a token names nobody."""
        kind = "system" if role == "emitter" else "staff"
        issued = now()
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": f"{kind}-{unit}-{member}",
            "roles": [role],
            "unit": unit,
            "iat": issued,
            "exp": issued + LIFETIME,
        }
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"kid": KEY_ID})

    async def ready(self, _: web.Request) -> web.Response:
        return web.json_response({"ready": True})


def _credentials(request: web.Request, client: str, secret: str) -> tuple[str, str]:
    """From HTTP basic (form-encoded inside, RFC 6749 2.3.1) or else from the body."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return client, secret
    try:
        name, _, word = b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return unquote_plus(name), unquote_plus(word)


def _refuse(status: int, error: str, description: str) -> web.Response:
    return web.json_response({"error": error, "error_description": description}, status=status)


def main() -> None:
    """`python -m local.issuer`, told by its environment."""
    host, port = os.environ["ONEDOOR_HOST"], int(os.environ["ONEDOOR_PORT"])
    key = load_key(Path(os.environ["ISSUER_KEY_FILE"]))
    issuer = Issuer(os.environ["OIDC_ISSUER"], os.environ["ISSUER_SECRET"], key)
    serve(issuer.application(), host, port)


if __name__ == "__main__":
    main()
