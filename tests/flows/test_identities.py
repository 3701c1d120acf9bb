"""After all flows: the record's identities hold for every unit and month; a month begins where the last ended."""

from typing import Any

import pytest
from flows.dossier import receive
from flows.house import House

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="session")]
MONTHS = [(year, month) for year in (2017, 2018) for month in range(1, 13)]


def first_of(year: int, month: int) -> str:
    return f"{year + month // 13}-{(month - 1) % 12 + 1:02d}-01"


async def month(house: House, year: int, number: int) -> Any:
    asked = f"from={first_of(year, number)}&to={first_of(year, number + 1)}&items=true"
    return await house.get("sla", f"/record?{asked}")


async def test_every_month_of_every_unit_adds_up(house: House) -> None:
    """received + carried over = solved + open, solved and open by their parts; what is open is carried over."""
    it = await receive(house, "2017-07-31 09:00", "PAC-195")
    await it.unit("DL-195", "referral", "2017-07-31 10:00", agency="UBND-195", matter="road-trench")
    await it.unit("DL-195", "agency-reply", "2017-08-01 09:00", agency="UBND-195", outcome="agreed")
    await it.assigned("2017-08-01 10:00")
    before: dict[tuple[str, str], Any] = {}
    touched = set()
    for year, number in MONTHS:
        record = await month(house, year, number)
        assert record["broken"] == []
        carried: dict[tuple[str, str], Any] = {}
        still: dict[tuple[str, str], Any] = {}
        for line in record["lines"]:
            unit, items = (line["kind"], line["unit"]), line.get("items", {})
            figures = line["figures"]
            assert figures["received"] + figures["carried over"] == figures["solved"] + figures["open"]
            assert figures["solved"] == figures["ahead"] + figures["on time"] + figures["overdue"]
            assert figures["open"] == figures["open in time"] + figures["open overdue"]
            carried |= {unit: items["carried over"]} if "carried over" in items else {}
            still |= {unit: items["open"]} if "open" in items else {}
            touched.add(unit[0])
        assert carried == before
        before = still
    assert touched == {"organisation", "counter", "department", "team", "agency"}
