"""The record over HTTP, on real parts: every form of it, a seal and its refusals, a late fact that restates it."""

from collections.abc import Mapping

from contracts.given import eventually
from oracle.telling import Story, local, promise
from serving import Serving, serving
from sla_at_work import KINDS, RULES

from sla.app import service
from sla.counting.periods import month
from sla.reports import record_queries
from sla.reports.api import XLSX
from sla.reports.document import addressed, document, fingerprint, written

JULY = "from=2017-07-01&to=2017-08-01"
BODY = {"from": "2017-07-01", "to": "2017-08-01"}
SEAL = "/record/seals/2017-07-01-2017-08-01"


async def say(at_work: Serving, told: Story, since: int = 0) -> None:
    for one in told.facts[since:]:
        assert one.fact is not None
        await at_work.hear(one.stream, one.version, one.fact, one.at)


async def raw(at_work: Serving, path: str) -> tuple[int, str, bytes]:
    """Status, media type and bytes of an answer that is no JSON."""
    token = at_work.issuer.sign(role="auditor", unit="PC-QN", member="01")
    async with at_work.http.get(at_work.url + path, headers={"Authorization": f"Bearer {token}"}) as answer:
        return answer.status, answer.content_type, await answer.read()


async def test_the_record_in_every_form_sealed_and_restated(
    database: Mapping[str, str], kafka: str, topic_prefix: str
) -> None:
    """One dossier overdue, one left open; signed; the release of the open one is heard afterwards."""
    async with serving(service, database["sla"], kafka, topic_prefix) as at_work:
        late, still = Story("000.00.02.H49-170710-0001"), Story("000.00.02.H49-170710-0002")
        for told in (late, still):
            told.received(local(7, 10, 9), promise(), channel="online")
        late.returned(local(7, 14, 9))
        for told in (late, still):
            await say(at_work, told)

        async def both() -> bool:
            record = (await at_work.get(f"/record?{JULY}&items=true")).body
            return any(line["template"]["3"] == 2 and line["template"]["10"] == 1 for line in record["lines"])

        await eventually(both)
        await _every_form(at_work, late.case_id)
        await _as_counted(at_work)
        await _sealed(at_work)
        still.returned(local(7, 12, 9))
        await say(at_work, still, 1)

        async def restated() -> bool:
            return bool((await at_work.get(SEAL)).body["restatements"])

        await eventually(restated)
        shown = (await at_work.get(SEAL)).body
        (restatement,) = shown["restatements"]
        assert restatement["because"] == f"route-{still.case_id}@1"
        assert shown["record"]["lines"][0]["template"]["11"] == 1
        assert restatement["differences"][0]["name"]["vi"]
        now = (await at_work.get(f"{SEAL}/restatements/1")).body
        (line,) = [line for line in now["lines"] if line["kind"] == "organisation"]
        assert (await at_work.get(f"{line['opens']}&column=open")).body["items"] == []
        signed = (await at_work.get(f"{SEAL}/items?kind=organisation&line=PC-QN&column=open")).body
        assert [one["case_id"] for one in signed["items"]] == [still.case_id]
        assert now["lines"][0]["template"]["11"] == 0
        await _as_counted(at_work)
        assert (await at_work.get("/record/seals")).body["seals"][0]["restatements"] == 1
        assert [one.type for one in await at_work.past("month-2017-07-01-2017-08-01")] == [
            "MonthSealed", "MonthRestated",
        ]  # fmt: skip


async def _every_form(at_work: Serving, case_id: str) -> None:
    by_dates = (await at_work.get(f"/record?{JULY}")).body
    by_name = (await at_work.get("/record?period=calendar-month&ending=2017-07")).body
    assert by_dates == by_name
    assert by_dates["broken"] == []
    assert (await at_work.get("/record?period=15th-to-14th&ending=2017-07")).body["from"] == "2017-06-15"
    asked = f"/record/items?{JULY}&kind=organisation&line=PC-QN&column=overdue"
    (item,) = (await at_work.get(asked)).body["items"]
    assert item == {"case_id": case_id, "cycle": 1, "part": "", "explain": f"/cases/{case_id}/explain"}
    assert (await at_work.get(item["explain"])).status == 200
    await _opens(at_work, f"/record/items?{JULY}", case_id)
    missing = await at_work.get(f"/record/items?{JULY}&kind=organisation&line=PC-QN")
    assert (missing.status, missing.body["field"]) == (422, "column")

    for sheet in ("units", "cuts", "annex", "delays", "dwell", "effects", "dossiers"):
        status, media_type, body = await raw(at_work, f"/record.csv?{JULY}&sheet={sheet}")
        assert (status, media_type) == (200, "text/csv")
        assert body.startswith("\ufeff".encode())
    status, media_type, body = await raw(at_work, f"/record.xlsx?{JULY}")
    assert (status, media_type, body[:2]) == (200, XLSX, b"PK")
    status, media_type, body = await raw(at_work, f"/record/print?{JULY}")
    assert (status, media_type) == (200, "text/html")
    assert case_id.encode() in body

    portal = (await at_work.get(f"/cases/{case_id}/portal")).body
    assert (portal["TrangThaiHoSo"], portal["HinhThuc"], portal["NgayHenTra"]) == (9, 2, "20170713170000")
    for path, status, rule in (
        ("/record?from=2017-08-01&to=2017-07-01", 422, "empty period"),
        ("/record?period=year&ending=2017-07", 422, "unknown period"),
        ("/cases/000.00.02.H49-170710-9999/portal", 404, "no such dossier"),
        ("/record/seals/2017-01-01-2017-02-01", 404, "no such seal"),
    ):
        refused = await at_work.get(path)
        assert (refused.status, refused.body["title"]) == (status, rule)
    public = await at_work.http.get(f"{at_work.url}/public/record?{JULY}")
    text = await public.text()
    assert public.status == 200
    assert "H49" not in text


async def _as_counted(at_work: Serving) -> None:
    """What is kept ready between answers gives, byte for byte, the document of a fresh count."""
    _, _, body = await raw(at_work, f"/record?{JULY}")
    found = await record_queries.the_record(at_work.running.parts.pool, month(2017, 7), KINDS)
    it = document(found, RULES.catalogue, items=False)
    assert body == written(addressed(it, "/record/items", **BODY))


async def _opens(at_work: Serving, address: str, case_id: str) -> None:
    """Figures, shares, delays and dwells: as JSON, and as a page for a browser that has a cookie and no header."""
    asked = {"kind=organisation&line=PC-QN&column=with+result", "kind=delays&line=PAC-193",
             "kind=dwell&line=PAC-193&step=reception"}  # fmt: skip
    for number in asked:
        items = (await at_work.get(f"{address}&{number}")).body["items"]
        assert [one["case_id"] for one in items] == [case_id]
    token = at_work.issuer.sign(role="auditor", unit="PC-QN", member="01")
    async with at_work.http.post(f"{at_work.url}/session", headers={"Authorization": f"Bearer {token}"}) as answer:
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
    headers = {"Cookie": cookie, "Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
    async with at_work.http.get(f"{at_work.url}{address}&kind=delays&line=PAC-193", headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
        text = await answer.text()
        assert f'<a href="/cases/{case_id}/explain/print">' in text
        assert "PAC-193: Thời gian chậm theo đơn vị từ 01/07/2017 đến 31/07/2017" in text


async def _sealed(at_work: Serving) -> None:
    nobody = await at_work.post("/record/seals", BODY, role="officer", unit="DL-193")
    assert nobody.status == 403
    running = await at_work.post(
        "/record/seals", {"from": "2017-07-01", "to": "2099-01-01"}, role="leader", unit="PC-QN"
    )
    assert (running.status, running.body["title"], running.body["field"]) == (422, "period not over", "to")
    signed = await at_work.post("/record/seals", BODY, role="leader", unit="PC-QN", Idempotency_Key="july")
    assert signed.status == 201
    assert signed.body["hash"] == fingerprint(await at_work.running.parts.pool.fetchval("select document from seals"))
    again = await at_work.post("/record/seals", BODY, role="leader", unit="PC-QN", Idempotency_Key="july")
    assert (again.status, again.body) == (201, signed.body)
    twice = await at_work.post("/record/seals", BODY, role="leader", unit="PC-QN")
    assert (twice.status, twice.body["title"]) == (409, "period sealed")
    half = {"from": "2017-07-15", "to": "2017-08-15"}
    overlaps = await at_work.post("/record/seals", half, role="leader", unit="PC-QN")
    assert (overlaps.status, overlaps.body["title"]) == (409, "period overlaps")
    assert (await raw(at_work, f"{SEAL}/print"))[0] == 200
    signed_line = (await at_work.get(SEAL)).body["record"]["lines"][0]
    figure = f"{SEAL}/items?kind=organisation&line=PC-QN&column=open"
    assert len((await at_work.get(figure)).body["items"]) == signed_line["figures"]["open"] == 1
    assert (await at_work.get("/remedies?state=open")).body == {"remedies": []}
    closing = {"outcome": "staff-added", "evidence": "evidence/7.pdf"}
    missing = await at_work.post("/remedies/DL-193-2017-07-01/closing", closing, role="leader", unit="PC-QN")
    assert (missing.status, missing.body["title"]) == (404, "no such remedy")
