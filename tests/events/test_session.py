"""A browser shows its token once and reads for a while by a cookie that nothing else can use."""

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Annotated

import aiohttp
import pytest
import pytest_asyncio
from contracts.servers import Issuer, issuing, serving
from fastapi import Depends, FastAPI

from events.actor import Actor
from events.clock import now
from events.http import problems
from events.http.app import operations
from events.http.auth import SESSION, Allowed, Gate

COOKIE = "onedoor-test"
SAME: dict[str, str] = {"Sec_Fetch_Site": "same-origin"}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Browser:
    """Asks as a browser does, with or without a token and a cookie; it keeps nothing by itself."""

    url: str
    issuer: Issuer
    http: aiohttp.ClientSession

    async def ask(self, method: str, path: str, token: str | None = None, **headers: str) -> tuple[int, str]:
        """Status, and the cookie that was set."""
        sent = {name.replace("_", "-"): one for name, one in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        async with self.http.request(method, self.url + path, headers=sent) as answer:
            return answer.status, answer.headers.get("Set-Cookie", "")


def application(issuer: Issuer) -> FastAPI:
    app = FastAPI(title="onedoor test")
    problems.install(app)
    app.state.gate = Gate(issuer.url)
    app.include_router(operations(None))  # type: ignore[arg-type]

    @app.get("/page")
    async def page(_: Annotated[Actor, Depends(Allowed("read"))]) -> str:
        return "read"

    @app.post("/page")
    async def act(_: Annotated[Actor, Depends(Allowed("read"))]) -> str:
        return "done"

    return app


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with (
        issuing() as issuer,
        serving(application(issuer)) as url,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
    ):
        yield Browser(url, issuer, http)


async def cookie_of(browser: Browser) -> str:
    status, cookie = await browser.ask("POST", "/session", browser.issuer.token())
    assert status == 204
    return cookie


async def test_a_token_is_exchanged_for_a_cookie_that_only_this_site_can_send(browser: Browser) -> None:
    """No script reads it, no other site sends it, and it ends soon."""
    cookie = SimpleCookie(await cookie_of(browser))[COOKIE]
    assert cookie["httponly"] is True
    assert (cookie["samesite"], cookie["path"], cookie["max-age"]) == ("strict", "/", str(SESSION))
    assert not cookie["secure"]  # this was over HTTP
    status, secure = await browser.ask("DELETE", "/session")
    assert (status, SimpleCookie(secure)[COOKIE].value) == (204, "")


async def test_a_session_ends_with_the_token_that_opened_it(browser: Browser) -> None:
    """A cookie is no way to read on after one's right has run out."""
    soon = browser.issuer.token(exp=int(now().timestamp()) + 60)
    _, cookie = await browser.ask("POST", "/session", soon)
    assert 0 < int(SimpleCookie(cookie)[COOKIE]["max-age"]) <= 60


async def test_the_cookie_reads_and_does_nothing_else(browser: Browser) -> None:
    """A page opens by it; a command, or another cookie, does not."""
    cookie = (await cookie_of(browser)).partition(";")[0]
    assert (await browser.ask("GET", "/page", Cookie=cookie, **SAME))[0] == 200
    assert (await browser.ask("GET", "/session", Cookie=cookie, **SAME))[0] == 200
    assert (await browser.ask("POST", "/page", Cookie=cookie, **SAME))[0] == 401
    assert (await browser.ask("POST", "/session", Cookie=cookie, **SAME))[0] == 401
    assert (await browser.ask("POST", "/page", browser.issuer.token()))[0] == 200
    assert (await browser.ask("GET", "/page"))[0] == 401
    assert (await browser.ask("GET", "/page", Cookie=f"{cookie}x", **SAME))[0] == 401
    nested = urlsafe_b64encode(b"[" * 12_000).decode()
    assert (await browser.ask("GET", "/page", Cookie=f"{COOKIE}={nested}.e30.AAAA", **SAME))[0] == 401
    assert (await browser.ask("GET", "/page", Cookie=cookie))[0] == 401  # a browser says where it asks from


@pytest.mark.parametrize(
    ("site", "status"), [("same-origin", 200), ("none", 200), ("same-site", 401), ("cross-site", 401)]
)
async def test_a_page_of_another_origin_does_not_read_by_the_cookie(browser: Browser, site: str, status: int) -> None:
    """Cookies know neither ports nor subdomains, so the browser's own word about who asks decides."""
    cookie = (await cookie_of(browser)).partition(";")[0]
    assert (await browser.ask("GET", "/page", Cookie=cookie, Sec_Fetch_Site=site))[0] == status


async def test_the_cookie_is_no_token(browser: Browser) -> None:
    """Whoever gets hold of it, another port of the host for one, can neither act by it nor read elsewhere."""
    value = SimpleCookie(await cookie_of(browser))[COOKIE].value
    assert value != browser.issuer.token()
    assert (await browser.ask("POST", "/page", value))[0] == 401
    assert (await browser.ask("GET", "/page", value))[0] == 401


async def test_nothing_that_is_answered_is_kept(browser: Browser) -> None:
    """Not by the browser either: its session ends, and so does what it has seen."""
    async with browser.http.get(f"{browser.url}/page") as answer:
        assert answer.headers["Cache-Control"] == "no-store"


async def test_a_header_counts_before_the_cookie(browser: Browser) -> None:
    """A token that is not valid is refused, whoever else is remembered."""
    cookie = (await cookie_of(browser)).partition(";")[0]
    assert (await browser.ask("GET", "/page", "no-token", Cookie=cookie, **SAME))[0] == 401
    assert (await browser.ask("GET", "/page", Authorization="Basic x", Cookie=cookie, **SAME))[0] == 401


async def test_only_who_may_read_gets_a_cookie_and_only_one_that_a_browser_keeps(browser: Browser) -> None:
    """Not another system's token, and not one that is larger than cookies are."""
    assert (await browser.ask("POST", "/session", browser.issuer.token(roles=["emitter"])))[0] == 403
    large = browser.issuer.token(unit="X" * 4000)
    assert (await browser.ask("POST", "/session", large))[0] == 422
