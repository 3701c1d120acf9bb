"""Going back to what was replaced: with what was heard since, compared and published like any swap."""

import pytest
from flows.house import House
from flows.test_rebuild_flows import DAMAGE, certificate, finished, wrongly_published

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="session")]


async def test_one_can_go_back_to_what_was_replaced_with_what_was_heard_since(house: House) -> None:
    """A rebuild by a faulty version was accepted: its rows go, the right ones come back, and news are in them."""
    it = await finished(house, "09:10", "2017-07-21")
    right = await it.cycle()
    faulty = await house.rebuilt()
    await house.sql(DAMAGE, it.code)
    await wrongly_published(house, it)
    later = await finished(house, "09:20", "2017-07-21")

    trial = await house.gone_back(dry_run=True)
    assert (trial["state"], trial["swapped"], trial["differences"], trial["events"]) == ("done", False, 1, 0), trial
    refused = await house.gone_back()
    assert (refused["state"], refused["swapped"]) == ("failed", False)
    assert it.code in refused["error"]
    back = await house.gone_back(accept=True)
    assert (back["swapped"], back["differences"], back["hash"]) == (True, 1, trial["hash"]), back
    assert await it.cycle() == right
    assert (await later.cycle())["by_date"] == "ahead"
    assert (await it.said("promise"))[-1].data["because"] == f"generation-{back['run']}@1"
    assert await it.types("promise") == ["VerdictReached", "VerdictAmended", "VerdictAmended"]
    assert await later.types("promise") == ["VerdictReached"]
    assert (await house.rebuilt(dry_run=True))["hash"] == back["hash"]

    vouched = await certificate(house, back["run"])
    told = vouched["document"]
    assert (told["taken_from"] < faulty["run"], told["partitions"], told["replaces"]) == (True, [], faulty["run"])
    refusal = await house.ask("sla", "/certificates", vouched)
    assert (refusal.status, refusal.body["type"]) == (422, "urn:onedoor:problem:nothing-folded"), refusal
