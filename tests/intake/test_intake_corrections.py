"""The door puts its facts right: reclassification, and the counter's state and list as if it had been said right."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.given import eventually
from serving import Serving

from events.actor import Actor
from events.clock import now
from events.commands.decider import Said
from events.commands.testing import Scenario
from events.contracts.corrections import FactCorrected, FactVoided
from events.contracts.intake import (
    ApplicationReceived,
    CaseClosed,
    CaseReopened,
    DeadlineExtended,
    ServiceReclassified,
    SupplementRequested,
)
from events.contracts.routing import DossierForwarded, DossierReturned
from events.contracts.terms import Promise
from intake.decide import Command, Reclassify, RequestSupplement, case
from intake.state import Ended, Open, State

CASE = "000.00.02.H49-170710-0001"
ON: Any = {"case_id": CASE}
RURAL = "LV-RES-RURAL@2017-07-01"
CLERK: Any = {"role": "receptionist", "unit": "PAC-193"}
LEADER: Any = {"role": "leader", "unit": "PC-QN"}
WHY: Any = {"reason": "entered-wrongly", "leader": "staff-qn-01"}
RECEIVED = ApplicationReceived(
    **ON, counter="PAC-193", organisation="PC-QN", sector="electricity", district="DL-193", channel="counter",
    appointment=datetime(2017, 7, 13, 10, tzinfo=UTC),
    promise=Promise(calendar="VN-PAC@2017.1", clock_policy="PAUSE", service="LV-RES-URBAN@2017-07-01"),
)  # fmt: skip


def reclassify(service: str = RURAL, by: str = "staff-qn-01") -> Reclassify:
    leader = Actor(id=by, roles=frozenset({"leader"}), unit="PC-QN")
    return Reclassify(case_id=CASE, service=service, reason="service-mistaken", by=leader)


def reclassified(service: str = RURAL) -> ServiceReclassified:
    return ServiceReclassified(**ON, service=service, reason="service-mistaken", leader="staff-qn-01")


def a_case(by: str = "staff-qn-01") -> Scenario[Command, State]:
    return Scenario(case, CASE, by=by).given(RECEIVED, by="staff-193-01")


def stands(*facts: Any) -> State:
    return case.fold(Said(fact, "anybody", f"case-{CASE}@{number}") for number, fact in enumerate(facts, 1))


def test_a_leader_names_the_right_service() -> None:
    """Open or ended; the same leader again says nothing."""
    a_case().when(reclassify()).then(reclassified())
    a_case().given(CaseClosed(**ON)).when(reclassify()).then(reclassified())


def test_a_reclassification_is_refused_where_it_changes_nothing_or_is_ones_own() -> None:
    """The same service, one's own receipt, an unknown dossier."""
    a_case().when(reclassify("LV-RES-URBAN@2017-07-01")).then_refused("same-service")
    a_case().given(reclassified(), by="staff-qn-02").when(reclassify()).then_refused("same-service")
    a_case("staff-193-01").when(reclassify(by="staff-193-01")).then_refused("own-fact")
    Scenario(case, CASE).when(reclassify()).then_refused("no-such-dossier")


def test_the_last_reclassification_stands_and_survives_a_reopening() -> None:
    """It is the case's, not the cycle's."""
    facts = (RECEIVED, reclassified("MV-CONNECT@2017-07-01"), CaseClosed(**ON), reclassified())
    state = stands(*facts, CaseReopened(**ON, reason="result-wrong"))
    assert isinstance(state, Open)
    assert state.service == RURAL


def test_a_voided_supplement_request_was_never_made() -> None:
    """Nobody is waited for, and the next request is the first one again."""
    asked = SupplementRequested(**ON, gaps=())
    void = FactVoided(**ON, voids=f"case-{CASE}@2", kind="SupplementRequested", **WHY)
    again = RequestSupplement(case_id=CASE, gaps=(), by=Actor(id="staff-193-01", roles=frozenset({"receptionist"})))
    a_case("staff-193-01").given(asked, void).when(again).then(asked)


def test_a_voided_close_leaves_the_case_open() -> None:
    """As it was before."""
    void = FactVoided(**ON, voids=f"case-{CASE}@2", kind="CaseClosed", **WHY)
    assert isinstance(stands(RECEIVED, CaseClosed(**ON)), Ended)
    assert stands(RECEIVED, CaseClosed(**ON), void) == stands(RECEIVED)


def test_a_corrected_appointment_is_the_appointment() -> None:
    """A slip of the pen in an apology."""
    extended = DeadlineExtended(**ON, appointment=datetime(2017, 8, 20, tzinfo=UTC), **WHY)
    right = FactCorrected(
        **ON, corrects=f"case-{CASE}@2", kind="DeadlineExtended", field="appointment",
        value="2017-07-20T17:00:00+07:00", **WHY,
    )  # fmt: skip
    state = stands(RECEIVED, extended, right)
    assert isinstance(state, Open)
    assert state.appointment == datetime(2017, 7, 20, 10, tzinfo=UTC)


# -- the service itself ------------------------------------------------------------------------------


async def receive(door: Serving) -> str:
    applicant = {"name": "Nguyễn Thị Thử", "phone": "0203123456", "address": "Số 1 phố Thử"}
    documents = ["request-form", "identity", "land-use-right"]
    body = {"counter": "PAC-193", "service": "LV-RES-URBAN@2017-07-01", "district": "DL-193", "documents": documents}
    return str((await door.post("/applications", {**body, "applicant": applicant}, **CLERK)).body["case_id"])


async def listed(door: Serving, code: str) -> dict[str, Any]:
    rows = (await door.get("/applications?counter=PAC-193")).body
    return next((row for row in rows if row["case_id"] == code), {})


async def test_the_counters_list_follows_corrections(door: Serving) -> None:
    """A refusal that never was, a receipt that was entered late, another service: list and dossier agree."""
    code = await receive(door)
    path = f"/applications/{code}"
    assert (await door.post(f"{path}/refusal", {"reason": "outside-area"}, **CLERK)).status == 200

    refusal = f"case-{code}@2"
    void = {"fact": refusal, "reason": "wrong-dossier"}
    assert (await door.post(f"{path}/corrections", void, **CLERK)).status == 403
    unknown = await door.post(f"{path}/corrections", {**void, "reason": "bad-weather"}, **LEADER)
    assert (unknown.status, unknown.body["field"]) == (422, "reason")
    half = await door.post(f"{path}/corrections", {**void, "field": "reason"}, **LEADER)
    assert half.status == 422
    done = await door.post(f"{path}/corrections", void, Idempotency_Key="void-1", **LEADER)
    assert (done.status, [fact["type"] for fact in done.body["facts"]]) == (200, ["FactVoided"])
    again = await door.post(f"{path}/corrections", void, Idempotency_Key="void-1", **LEADER)
    assert again.body == done.body

    earlier = (now() - timedelta(hours=3)).isoformat()
    right = {"fact": f"case-{code}@1", "field": "at", "value": earlier, "reason": "entered-late"}
    assert (await door.post(f"{path}/corrections", right, If_Match='"3"', **LEADER)).status == 200
    other = {"service": RURAL, "reason": "service-mistaken"}
    assert (await door.post(f"{path}/reclassification", other, **CLERK)).status == 403
    nonsense = await door.post(f"{path}/reclassification", {**other, "service": "NO-SUCH@2017-07-01"}, **LEADER)
    assert (nonsense.status, nonsense.body["field"]) == (422, "service")
    assert (await door.post(f"{path}/reclassification", other, **LEADER)).status == 200

    shown = (await door.get(path)).body
    assert (shown["status"], shown["service"], shown["version"]) == ("open", RURAL, 5)
    assert [one["type"] for one in shown["history"]][2:] == ["FactVoided", "FactCorrected", "ServiceReclassified"]

    async def follows() -> bool:
        row = await listed(door, code)
        return bool(row.get("version") == 5)

    await eventually(follows)
    row = await listed(door, code)
    for name in ("status", "service", "received_at", "appointment"):
        assert row[name] == shown[name]


async def test_corrections_at_once_lose_nothing(door: Serving) -> None:
    """Two leaders, a counter and a rating at the same time: all of it stands. Who saw an old version is refused."""
    code = await receive(door)
    path, leaders = f"/applications/{code}", [{**LEADER, "member": member} for member in ("01", "02")]
    assert (await door.post(f"{path}/close", **CLERK)).status == 200
    early, late = ((now() - timedelta(hours=hours)).isoformat() for hours in (3, 2))
    right = {"fact": f"case-{code}@1", "reason": "entered-late", "field": "at"}
    answers = await asyncio.gather(
        door.post(f"{path}/corrections", {**right, "value": early}, **leaders[0]),
        door.post(f"{path}/corrections", {**right, "value": late}, **leaders[1]),
        door.post(f"{path}/corrections", {**right, "field": "channel", "value": "post"}, **leaders[0]),
        door.post(f"{path}/rating", {"stars": 4}, **CLERK),
    )
    assert [one.status for one in answers] == [200] * 4
    shown = (await door.get(path)).body
    said = [one["type"] for one in shown["history"]]
    assert sorted(said[2:]) == ["CustomerRated", *["FactCorrected"] * 3]
    assert (shown["status"], shown["stars"], shown["version"]) == ("CaseClosed", 4, 6)

    rating = {"fact": f"case-{code}@{said.index('CustomerRated') + 1}", "reason": "entered-wrongly"}
    stale = await door.post(f"{path}/corrections", rating, If_Match='"5"', **leaders[1])
    assert (stale.status, stale.body["field"]) == (412, "If-Match")
    assert (await door.post(f"{path}/corrections", rating, If_Match='"6"', **leaders[1])).status == 200
    again = await door.post(f"{path}/corrections", {**rating, "fact": f"case-{code}@7"}, **leaders[0])
    assert (again.status, again.body["title"]) == (409, "is a correction")
    assert (await door.get(path)).body["stars"] is None


async def test_a_dossier_whose_return_is_void_is_no_longer_to_be_handed_over(door: Serving) -> None:
    """Routing voids DossierReturned: the unit has it again. Then it voids the hand-over before as well."""
    code = "000.00.02.H49-170711-0009"
    told = now() - timedelta(hours=2)
    route = f"route-{code}"
    of: Any = {"case_id": code}
    why: Any = {**WHY, **of}
    await door.hear(route, 1, DossierForwarded(**of, from_unit="PAC-193", to_unit="DL-193", step="assign"), told)
    moved = DossierForwarded(**of, from_unit="DL-193", to_unit="TC-193", step="install")
    await door.hear(route, 2, moved, told + timedelta(minutes=5))
    await door.hear(route, 3, DossierReturned(**of, from_unit="TC-193", by="zalo"), told + timedelta(hours=1))

    async def place() -> tuple[str, bool]:
        pool = door.running.parts.pool
        row = await pool.fetchrow("select holder, returned_at from dossiers where case_id = $1", code)
        return (row["holder"], row["returned_at"] is not None) if row else ("", False)

    async def is_back() -> bool:
        return (await place())[1]

    await eventually(is_back)
    await door.hear(route, 4, FactVoided(voids=f"{route}@3", kind="DossierReturned", **why), now())

    async def is_held_by_the_team() -> bool:
        return await place() == ("TC-193", False)

    await eventually(is_held_by_the_team)
    await door.hear(route, 5, FactVoided(voids=f"{route}@2", kind="DossierForwarded", **why), now())

    async def is_held_by_the_department() -> bool:
        return await place() == ("DL-193", False)

    await eventually(is_held_by_the_department)
