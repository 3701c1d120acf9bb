"""The routing service itself, on real parts: it hears, hands on, answers over HTTP, and shows worklists."""

from collections.abc import Mapping
from datetime import timedelta

from contracts.given import eventually
from serving import Serving, serving

from events.clock import now
from events.contracts.intake import ApplicationReceived, CaseClosed, StaffReplied
from events.contracts.terms import Promise
from routing.app import service

CASE = "000.00.02.H49-170710-0001"
OTHER = "000.00.02.H49-170710-0002"


def received(case_id: str) -> ApplicationReceived:
    return ApplicationReceived(
        case_id=case_id, counter="PAC-193", organisation="PC-QN", sector="electricity", district="DL-193",
        channel="counter",
        promise=Promise(calendar="VN-PAC@2017.1", clock_policy="PAUSE", service="LV-RES-URBAN@2017-07-01"),
    )  # fmt: skip


async def types(at_work: Serving, case_id: str) -> list[str]:
    return [one.type for one in await at_work.past(f"route-{case_id}")]


async def test_a_dossier_on_its_way(database: Mapping[str, str], kafka: str, topic_prefix: str) -> None:
    """From receipt to release: over Zalo and in the software, with a referral that joins and refusals on the way."""
    async with serving(service, database["routing"], kafka, topic_prefix) as at_work:
        post, path = at_work.post, f"/dossiers/{CASE}"
        told = now() - timedelta(hours=2)
        unknown = await post(f"{path}/acknowledgement", role="officer", unit="DL-193")
        assert (unknown.status, unknown.body["title"]) == (404, "no such dossier")

        await at_work.hear(f"case-{CASE}", 1, received(CASE), told)
        await eventually(lambda: types(at_work, CASE))
        [forwarded] = await at_work.past(f"route-{CASE}")
        assert (forwarded.at, forwarded.cause.causation) == (told, f"case-{CASE}@1")

        stale = await post(f"{path}/acknowledgement", role="officer", unit="DL-193", If_Match='"7"')
        assert stale.status == 412
        wrong = await post(f"{path}/acknowledgement", role="officer", unit="DL-194")
        assert (wrong.status, wrong.body["field"]) == (403, "case_id")
        assert (await post(f"{path}/acknowledgement", role="receptionist", unit="DL-193")).status == 403
        taken = await post(f"{path}/acknowledgement", role="officer", unit="DL-193", If_Match='"1"')
        assert (taken.status, taken.etag) == (200, '"2"')
        again = await post(f"{path}/acknowledgement", role="officer", unit="DL-193")
        assert (again.status, again.body["facts"]) == (200, [])
        late = await post(f"{path}/acknowledgement", role="officer", unit="DL-193", member="02")
        assert (late.status, late.body["title"]) == (409, "already acknowledged")

        for wrong_agency, rule in (("DL-193", "not an agency"), ("NOBODY", "unknown unit")):
            body = {"agency": wrong_agency, "matter": "road-trench"}
            refused = await post(f"{path}/referral", body, role="officer", unit="DL-193")
            assert (refused.status, refused.body["title"], refused.body["field"]) == (422, rule, "agency")
        ask = {"agency": "UBND-193", "matter": "road-trench", "at": (told + timedelta(hours=1)).isoformat()}
        asked = await post(f"{path}/referral", ask, role="officer", unit="DL-193", Idempotency_Key="ask-1")
        assert asked.status == 200
        early = {"at": (told - timedelta(hours=1)).isoformat()}
        assert (await post(f"{path}/step-completion", early, role="officer", unit="DL-193")).status == 422
        assert (await post(f"{path}/step-completion", role="officer", unit="DL-193")).status == 200
        shown = (await at_work.get(path)).body
        assert (shown["status"], shown["step_completed"], shown["waiting"][0]["who"]) == ("waiting", True, "UBND-193")
        reply = {"agency": "UBND-193", "outcome": "agreed"}
        answers = [
            await post(f"{path}/agency-reply", reply, role="officer", unit="DL-193", Idempotency_Key="reply-1")
            for _ in range(2)
        ]
        assert answers[0].body == answers[1].body
        assert [fact["type"] for fact in answers[0].body["facts"]] == ["AgencyReplied", "DossierForwarded"]

        # Its time lies before the hand-over by now, but it is the same request: the same answer.
        repeated = await post(f"{path}/referral", ask, role="officer", unit="DL-193", Idempotency_Key="ask-1")
        assert (repeated.status, repeated.body) == (200, asked.body)
        backwards = await post(f"{path}/step-completion", {"at": ask["at"]}, role="team", unit="TC-193")
        assert (backwards.status, backwards.body["title"]) == (422, "time before hand over")

        shown = (await at_work.get(path)).body
        assert (shown["unit"], shown["work"], shown["next"]["unit"]) == ("TC-193", "install", "DL-193")

        async def worklist() -> bool:
            rows = (await at_work.get("/dossiers?unit=TC-193&open=true")).body
            return [row["case_id"] for row in rows] == [CASE]

        await eventually(worklist)
        await at_work.hear("message-in-1", 1, StaffReplied(case_id=CASE, unit="TC-193", word="XONG"), now())
        await eventually(lambda: _has(at_work, "StepCompleted", 2))
        done = await post(f"{path}/step-completion", {"step": "close"}, role="officer", unit="DL-193")
        assert [fact["type"] for fact in done.body["facts"]] == ["StepCompleted", "DossierReturned"]
        over = await post(f"{path}/forward", {"to_unit": "TC-193"}, role="officer", unit="DL-193")
        assert (over.status, over.body["title"]) == (409, "route ended")


async def test_a_closed_case_is_called_back(database: Mapping[str, str], kafka: str, topic_prefix: str) -> None:
    async with serving(service, database["routing"], kafka, topic_prefix) as at_work:
        await at_work.hear(f"case-{OTHER}", 1, received(OTHER), now())
        await at_work.hear(f"case-{OTHER}", 2, CaseClosed(case_id=OTHER), now())

        async def recalled() -> bool:
            return await types(at_work, OTHER) == ["DossierForwarded", "DossierRecalled"]

        await eventually(recalled)


async def _has(at_work: Serving, kind: str, times: int) -> bool:
    return (await types(at_work, CASE)).count(kind) == times
