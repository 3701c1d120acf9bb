"""Who calls, and whether they may: tokens (JWT, keys from the issuer) against the table of rights."""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from time import time as wall_seconds
from typing import Any

import aiohttp
import jwt
from fastapi import Request, Response
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from events.actor import Actor
from events.errors import Forbidden, OnedoorError, Refused
from events.http.rights import RIGHTS

AUDIENCE = "onedoor"
ALGORITHMS = ["EdDSA", "ES256", "RS256"]
REMEMBER = 10_000  # tokens whose signature was checked and that have not expired
ASK_AGAIN = 10.0  # seconds before a key that nobody knows may make us ask the issuer once more
LEEWAY = 5.0  # seconds that the issuer's clock may be ahead of ours: for iat and nbf, none for exp

SESSION = 15 * 60  # seconds that a browser may read without showing its token again
OURS = "HS256"  # of a cookie: signed with a secret that this process alone has, so nobody else can use it as a token
LARGEST_COOKIE = 3800  # bytes; browsers drop what is over 4,096 with its name and attributes


class Unauthenticated(OnedoorError):
    """No token, or one that cannot be trusted."""


class Gate:
    """Checks tokens against the issuer's keys. Tokens always use wall time, whatever the deployment's clock."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._keys: Sequence[jwt.PyJWK] = ()
        self._known: dict[str, tuple[Actor, float]] = {}
        self._fetching = asyncio.Lock()
        self._next_fetch = 0.0
        self._secret = secrets.token_bytes(32)

    async def actor(self, request: Request) -> Actor:
        """Who calls; `expires_at` tells until when. Raises Unauthenticated with what is wrong with the token."""
        token = token_of(request)
        known = self._known.get(token) if token else self._remembered(request)
        if known is None or known[1] <= wall_seconds():
            known = await self._checked(token)
            if len(self._known) >= REMEMBER:
                self._known.clear()
            self._known[token] = known
        actor, request.state.expires_at = known
        return actor

    async def _checked(self, token: str) -> tuple[Actor, float]:
        try:
            named = jwt.get_unverified_header(token).get("kid")
            key = await self._key(named)
            try:
                claims = self._claims(token, key)
            except jwt.InvalidSignatureError:
                if key.key_id is not None and key.key_id == named:
                    raise
                await self._ask_again(self._keys, lambda: False)  # a key without a name may have become another
                claims = self._claims(token, await self._key(named))
        except jwt.PyJWTError as invalid:
            raise Unauthenticated(f"the token is not valid: {invalid}") from invalid
        return _actor(claims), float(claims["exp"])

    def _claims(self, token: str, key: jwt.PyJWK) -> Mapping[str, Any]:
        """What a token says that this key has signed, by the algorithm that belongs to the key."""
        claims: Mapping[str, Any] = jwt.decode(
            token, key, [key.algorithm_name], audience=AUDIENCE, issuer=self.issuer, leeway=LEEWAY,
            options={"require": ["exp", "sub"]},
        )  # fmt: skip
        if float(claims["exp"]) <= wall_seconds():
            raise jwt.ExpiredSignatureError("Signature has expired")
        return claims

    def remember(self, actor: Actor, request: Request, response: Response) -> None:
        """Let the browser that showed a token read for a while without it, never longer than the token. No script sees
        the cookie.

        It holds who reads until when, never the token: a cookie goes to every port of its host. Raises Refused.
        """
        lasts = min(float(SESSION), seconds_left(request) or 0.0)
        claims = {"sub": actor.id, "roles": sorted(actor.roles), "unit": actor.unit, "exp": wall_seconds() + lasts}
        cookie = jwt.encode(claims, self._secret, OURS)
        if len(cookie) > LARGEST_COOKIE:
            raise Refused(
                "token-too-large", f"a cookie holds {LARGEST_COOKIE} bytes", field="Authorization",
                way_out="ask the issuer for a token with fewer claims, or send it as a header",
            )  # fmt: skip
        https = request.url.scheme == "https"
        name = cookie_of(request)
        response.set_cookie(name, cookie, max_age=round(lasts), httponly=True, samesite="strict", secure=https)

    def _remembered(self, request: Request) -> tuple[Actor, float]:
        """Who reads by a cookie of ours.

        Only GET and HEAD, which change nothing, take it, so that no other site can make a browser act by it; and a
        cookie knows no port and no subdomain: `Sec-Fetch-Site`, which browsers send over https and to localhost, does.
        """
        own = request.headers.get("sec-fetch-site") in ("same-origin", "none") and request.method in ("GET", "HEAD")
        cookie = request.cookies.get(cookie_of(request))
        if "authorization" in request.headers or not own or not cookie:
            raise Unauthenticated("send a token: Authorization: Bearer <JWT from the issuer>")
        try:
            claims = jwt.decode(cookie, self._secret, [OURS], options={"require": ["exp"]})
        except jwt.PyJWTError as invalid:
            raise Unauthenticated(f"this browser's session is over ({invalid}): open another") from invalid
        return _actor(claims), float(claims["exp"])

    async def _key(self, named: str | None) -> jwt.PyJWK:
        """The key that a token names. Raises InvalidKeyError."""
        if (key := self._found(named)) is None:
            await self._ask_again(self._keys, lambda: self._found(named) is not None)
            if (key := self._found(named)) is None:
                raise jwt.InvalidKeyError(f"the issuer has no key {named!r}" if named else "it names no key")
        return key

    def _found(self, named: str | None) -> jwt.PyJWK | None:
        """The only key of an issuer is known without its name, in the token or in the issuer's list."""
        only = self._keys[0] if len(self._keys) == 1 else None
        if named is None or (only is not None and only.key_id is None):
            return only
        return next((key for key in self._keys if key.key_id == named), None)

    async def _ask_again(self, known: Sequence[jwt.PyJWK], helped: Callable[[], bool]) -> None:
        """Fetch the keys anew unless somebody has since; not again for a while where it did not help."""
        async with self._fetching:
            if self._keys is known and monotonic() >= self._next_fetch:
                self._keys = await self._fetch()
                if not helped():
                    self._next_fetch = monotonic() + ASK_AGAIN

    async def _fetch(self) -> Sequence[jwt.PyJWK]:
        """The issuer's keys for signatures that we take; keys for anything else stand in the same list."""
        try:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5), raise_for_status=True) as http:
                async with http.get(f"{self.issuer}/.well-known/openid-configuration") as about:
                    address = (await about.json())["jwks_uri"]
                async with http.get(address) as answer:
                    keys: dict[str, Any] = await answer.json(content_type=None)
            told = jwt.PyJWKSet.from_dict(keys).keys
        except (aiohttp.ClientError, TimeoutError, ValueError, LookupError, TypeError, AttributeError,
                jwt.PyJWTError) as away:  # fmt: skip
            raise ConnectionError(f"the issuer cannot be asked for its keys: {away!r}") from away
        return [key for key in told if key.algorithm_name in ALGORITHMS and key.public_key_use in (None, "sig")]


def token_of(request: Request) -> str:
    """The token in the header, if there is one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def seconds_left(request: Request) -> float | None:
    """How long the caller may go on hearing what they asked for; None where anybody may."""
    until: float | None = getattr(request.state, "expires_at", None)
    return None if until is None else until - wall_seconds()


def cookie_of(request: Request) -> str:
    """What the service's cookie is called: those of one host share their cookies, whatever their ports."""
    title: str = request.app.title
    return title.replace(" ", "-")


def _actor(claims: Mapping[str, Any]) -> Actor:
    """The claims as we use them. Signed is not well-formed: another provider may mean something else by `roles`."""
    roles, unit = claims.get("roles") or [], claims.get("unit")
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise Unauthenticated("the token is not valid: `roles` is not a list of texts")
    if not isinstance(unit, str | None):
        raise Unauthenticated("the token is not valid: `unit` is not a text")
    return Actor(id=claims["sub"], roles=frozenset(roles), unit=unit)


class Allowed(SecurityBase):
    """A FastAPI dependency: the caller, if the table gives one of their roles this right.

    A security scheme as well, named by the right, so that /docs asks for the token and every route in OpenAPI says
    which roles it needs: `events.openapi` makes them of the right.
    """

    def __init__(self, right: str) -> None:
        self.right, self.roles = right, RIGHTS[right]
        self.model, self.scheme_name = HTTPBearer(bearerFormat="JWT"), right

    async def __call__(self, request: Request) -> Actor:
        gate: Gate = request.app.state.gate
        actor = await gate.actor(request)
        if not actor.roles & self.roles:
            raise Forbidden(
                "wrong-role", f"{self.right} needs one of: {', '.join(sorted(self.roles))}; you are "
                f"{', '.join(sorted(actor.roles)) or 'without a role'}", field="Authorization",
                way_out="ask somebody who has the role",
            )  # fmt: skip
        return actor


def within(actor: Actor, unit: str, field: str) -> None:
    """The actor acts for this unit. Leaders and operators act for all. Raises Forbidden naming the field."""
    if actor.unit != unit and not actor.roles & {"leader", "operator"}:
        raise Forbidden(
            "wrong-unit", f"this belongs to {unit}, you act for {actor.unit or 'no unit'}",
            field=field, way_out=f"somebody of {unit} can do it",
        )  # fmt: skip
