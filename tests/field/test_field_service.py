"""The field service itself, on real parts: a hand-over becomes an order, a team works it off over HTTP."""

from collections.abc import Mapping
from datetime import timedelta

from contracts.given import eventually
from serving import serving

from events.clock import now
from events.contracts.routing import DossierForwarded, DossierRecalled
from field.app import service

CASE = "000.00.02.H49-170710-0001"
OTHER = "000.00.02.H49-170710-0002"


def forwarded(case_id: str) -> DossierForwarded:
    return DossierForwarded(case_id=case_id, from_unit="DL-193", to_unit="TC-193", step="install", work="install")


async def test_an_order_from_hand_over_to_evidence(
    database: Mapping[str, str], kafka: str, topic_prefix: str
) -> None:  # fmt: skip
    async with serving(service, database["field"], kafka, topic_prefix) as at_work:
        order, told = f"wo-{CASE}-3", now() - timedelta(hours=3)
        path = f"/workorders/{order}"
        team = {"role": "team", "unit": "TC-193"}
        assert (await at_work.post(f"{path}/start", **team)).status == 404
        assert (await at_work.post("/workorders/wo-nonsense/start", **team)).status == 422
        await at_work.hear(f"route-{CASE}", 3, forwarded(CASE), told)
        await eventually(lambda: at_work.past(f"workorder-{CASE}"))

        visit = {"starts": (now() + timedelta(hours=1)).isoformat(), "ends": (now() + timedelta(hours=2)).isoformat()}
        assert (await at_work.post(f"{path}/visit", visit, **team)).status == 200
        missed = {"fault": "customer", "reason": "customer-absent"}
        soon = await at_work.post(f"{path}/visit-missed", missed, **team)
        assert (soon.status, soon.body["title"]) == (422, "visit not due")
        wrong = await at_work.post(f"{path}/start", role="team", unit="TC-194")
        assert (wrong.status, wrong.body["title"]) == (403, "wrong unit")
        assert (await at_work.post(f"{path}/start", role="officer", unit="TC-193")).status == 403
        started = await at_work.post(f"{path}/start", **team)
        assert (started.status, started.etag) == (200, '"3"')

        for body, field in (
            ({"fault": "agency", "reason": "trench-permit"}, "agency"),
            ({"fault": "agency", "agency": "TC-193", "reason": "trench-permit"}, "agency"),
            ({"fault": "customer", "reason": "nonsense"}, "reason"),
            ({"fault": "weather", "reason": "bad-weather"}, "fault"),
        ):
            refused = await at_work.post(f"{path}/obstacle", body, **team)
            assert (refused.status, refused.body["field"]) == (422, field)
        blocked = {"fault": "agency", "agency": "UBND-193", "reason": "trench-permit"}
        assert (await at_work.post(f"{path}/obstacle", blocked, **team)).status == 200
        finish = {"evidence": [{"reference": "evidence/1.jpg"}], "handed_over": True}
        held = await at_work.post(f"{path}/completion", finish, **team)
        assert (held.status, held.body["title"]) == (409, "obstructed")
        past = {"at": told.isoformat()}
        assert (await at_work.post(f"{path}/resumption", past, **team)).body["title"] == "time before last"
        assert (await at_work.post(f"{path}/resumption", **team)).status == 200
        bare = await at_work.post(f"{path}/completion", {"evidence": [], "handed_over": True}, **team)
        assert (bare.status, bare.body["field"]) == (422, "evidence")
        assert (await at_work.post(f"{path}/completion", finish, **team)).status == 200
        shown = (await at_work.get(path)).body
        assert (shown["status"], shown["evidence"]) == ("completed", [{"reference": "evidence/1.jpg", "sha256": None}])

        async def listed() -> bool:
            rows = (await at_work.get(f"/workorders?case={CASE}&open=false")).body
            return [row["status"] for row in rows] == ["completed"]

        await eventually(listed)
        assert (await at_work.get("/workorders?team=TC-193&open=true")).body == []


async def test_a_recalled_dossier_cancels_its_order(
    database: Mapping[str, str], kafka: str, topic_prefix: str
) -> None:  # fmt: skip
    async with serving(service, database["field"], kafka, topic_prefix) as at_work:
        recalled = DossierRecalled(case_id=OTHER, from_unit="TC-193", because=f"case-{OTHER}@2")
        await at_work.hear(f"route-{OTHER}", 1, forwarded(OTHER), now())
        await at_work.hear(f"route-{OTHER}", 2, recalled, now())

        async def cancelled() -> bool:
            said = await at_work.past(f"workorder-{OTHER}")
            return [one.type for one in said] == ["WorkOrderIssued", "WorkOrderCancelled"]

        await eventually(cancelled)
        refused = await at_work.post(f"/workorders/wo-{OTHER}-1/start", role="team", unit="TC-193")
        assert (refused.status, refused.body["title"]) == (409, "order ended")
