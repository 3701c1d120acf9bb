"""What happens on site: obstacles by whose fault, a visit that nobody kept."""

import pytest
from flows.dossier import iso, on_site
from flows.house import House, told

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize(
    ("fault", "reason", "clock", "due"),
    [
        # Tuesday 09:00 to Wednesday 09:00 is one working day: Thursday 17:00 becomes Friday 17:00.
        ("customer", "customer-wiring", "customer", "2017-07-14 17:00"),
        ("agency", "trench-permit", "agency", "2017-07-14 17:00"),
        ("utility", "materials-late", "utility", "2017-07-13 17:00"),
    ],
)
async def test_whose_fault_an_obstacle_is_decides_whose_clock_runs(
    house: House, fault: str, reason: str, clock: str, due: str
) -> None:
    """The company's own obstacle stops no clock."""
    it = await on_site(house, "2017-07-10 09:30", "2017-07-10 11:00", "PAC-201")
    await it.team("start", "2017-07-11 08:00")
    named = {"agency": "UBND-201"} if fault == "agency" else {}
    await it.team("obstacle", "2017-07-11 09:00", fault=fault, reason=reason, **named)
    cycle = await it.cycle()
    assert cycle["holder_clock"] == clock
    assert cycle["holder"] == {"customer": "customer", "agency": "UBND-201", "utility": "TC-201"}[fault]
    await it.team("resumption", "2017-07-12 09:00")
    assert (await it.cycle())["holder_clock"] == "utility"
    await it.team("completion", "2017-07-12 10:00", evidence=[{"reference": "a.jpg"}], handed_over=True)
    await it.released("2017-07-14 09:00")

    cycle = await it.cycle()
    assert told(cycle["due_at"]) == due
    assert cycle["by_date"] == ("overdue" if fault == "utility" else "on-time")
    waited = {name: cycle[f"{name}_seconds"] for name in ("customer", "agency")}
    assert waited == {name: 8 * 3600 if name == clock else 0 for name in waited}
    assert await it.types("workorder") == [
        "WorkOrderIssued", "WorkStarted", "WorkObstructed", "WorkResumed", "WorkCompleted",
    ]  # fmt: skip
    obstructed, resumed = (await it.said("workorder"))[2:4]
    assert resumed.data["answers"] == obstructed.id


async def test_a_missed_visit_moves_no_clock(house: House) -> None:
    """Nobody was there; another visit is agreed on, and the promise runs on."""
    it = await on_site(house, "2017-07-10 09:40", "2017-07-10 11:00", "PAC-202")
    await it.team("visit", "2017-07-10 14:00", starts=iso("2017-07-11 08:00"), ends=iso("2017-07-11 08:30"))
    await it.team("visit-missed", "2017-07-11 09:00", fault="customer", reason="customer-absent")
    (order,) = await it.orders(open=True)
    assert (await house.get("field", f"/workorders/{order['work_order']}"))["visit"] is None
    await it.team("visit", "2017-07-11 09:05", starts=iso("2017-07-12 08:00"), ends=iso("2017-07-12 08:30"))
    await it.installed("2017-07-12 08:00", "2017-07-12 11:00")
    await it.released("2017-07-12 14:00")
    cycle = await it.cycle()
    assert (cycle["by_date"], cycle["customer_seconds"]) == ("ahead", 0)
    assert await it.types("workorder") == [
        "WorkOrderIssued", "VisitScheduled", "VisitMissed", "VisitScheduled", "WorkStarted", "WorkCompleted",
    ]  # fmt: skip


async def test_a_step_that_another_unit_takes_over_cancels_the_order_of_the_first(house: House) -> None:
    """A leader gives the work to the survey team by hand: the works team's order is cancelled."""
    it = await on_site(house, "2017-07-10 09:50", "2017-07-10 11:00", "PAC-202")
    path = f"/dossiers/{it.code}/forward"
    await house.do("routing", path, {"to_unit": "KS-202"}, who="leader.PC-QN", at="2017-07-11 08:00")
    assert [(order["team"], order["status"]) for order in await it.orders()] == [
        ("TC-202", "cancelled"),
        ("KS-202", "ready"),
    ]
    assert (await it.cycle())["unit"] == "KS-202"
    await it.installed("2017-07-11 09:00", "2017-07-11 11:00")
    await it.released("2017-07-11 15:00")
    assert (await it.cycle())["by_date"] == "ahead"
