"""Field and routing over a real broker: they meet in facts only, and call a work order by the same name."""

from collections.abc import Mapping

from contracts.given import eventually
from serving import Serving, serving

import field.app
import routing.app
from events.clock import now
from events.contracts.intake import ApplicationReceived, StaffReplied
from events.contracts.terms import Promise

CASE = "000.00.02.H49-170710-0001"
TEAM = {"role": "team", "unit": "TC-193"}


async def types(at_work: Serving, stream: str) -> list[str]:
    return [one.type for one in await at_work.past(stream)]


async def test_work_on_site_moves_the_dossier_on(database: Mapping[str, str], kafka: str, topic_prefix: str) -> None:
    async with (
        serving(routing.app.service, database["routing"], kafka, topic_prefix) as hands,
        serving(field.app.service, database["field"], kafka, topic_prefix) as site,
    ):
        received = ApplicationReceived(
            case_id=CASE, counter="PAC-193", organisation="PC-QN", sector="electricity", district="DL-193",
            channel="counter",
            promise=Promise(calendar="VN-PAC@2017.1", clock_policy="PAUSE", service="LV-RES-URBAN@2017-07-01"),
        )  # fmt: skip
        await hands.hear(f"case-{CASE}", 1, received, now())
        await hands.hear("message-in-1", 1, StaffReplied(case_id=CASE, unit="DL-193", word="XONG"), now())
        await eventually(lambda: site.past(f"workorder-{CASE}"))
        order = (await site.get(f"/workorders/wo-{CASE}-3")).body
        assert order["team"] == "TC-193"
        path = f"/workorders/{order['work_order']}"
        assert (await site.post(f"{path}/start", **TEAM)).status == 200
        done = {"evidence": [{"reference": "evidence/1.jpg"}], "handed_over": True}
        assert (await site.post(f"{path}/completion", done, **TEAM)).status == 200

        async def at_the_last_unit() -> bool:
            shown = await hands.get(f"/dossiers/{CASE}")
            return bool(shown.body["step"] == "close")

        await eventually(at_the_last_unit)
        expected = ["DossierForwarded", "StepCompleted", "DossierForwarded", "StepCompleted", "DossierForwarded"]
        assert await types(hands, f"route-{CASE}") == expected
        assert await types(site, f"workorder-{CASE}") == ["WorkOrderIssued", "WorkStarted", "WorkCompleted"]
