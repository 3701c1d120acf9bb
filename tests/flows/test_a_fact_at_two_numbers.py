"""A fact that changed its form: both forms stand on one topic, and mean the same to everyone who reads them."""

import json

import pytest
from flows.dossier import Dossier, on_site
from flows.house import House, when

from events.store import database as postgres_of

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="session")]
# What the version said that had not heard of today's form: the same append, with the form of then.
SAID_THEN = """
select hashes from append((select epoch from cluster), array[$1], array[$2::int], array[$3], array['WorkCompleted'],
    array[1::smallint], array[$4::bytea], array[$5::timestamptz], array[null::timestamptz], array['staff-tc-203'],
    array['then'], array['then'], array[null])
"""
HEARD = "select schema, convert_from(data, 'UTF8') as data from {}.inbox where type = 'WorkCompleted' and subject = $1"


async def completed_then(house: House, it: Dossier, at: str) -> None:
    """The field service as it was says that the work is done; a piece of evidence was its reference alone."""
    assert house.stack.databases is not None
    (order,) = await it.orders(open=True)
    version = len(await it.said("workorder")) + 1
    data = {
        "case_id": it.code, "work_order": order["work_order"], "evidence": ["evidence/then.jpg"], "handed_over": True,
    }  # fmt: skip
    pool = await postgres_of.connect(house.stack.databases.services["field"], size=2)
    stream = f"workorder-{it.code}"
    await pool.execute(SAID_THEN, stream, version, it.code, json.dumps(data).encode(), when(at))
    await pool.close()
    await house.settled()


async def test_what_was_said_in_the_old_form_counts_as_what_is_said_today(house: House) -> None:
    then = await on_site(house, "2017-07-10 09:30", "2017-07-10 11:00", "PAC-203")
    today = await on_site(house, "2017-07-10 09:30", "2017-07-10 11:00", "PAC-204")
    for it in (then, today):
        await it.team("start", "2017-07-11 08:00")
    await completed_then(house, then, "2017-07-11 10:00")
    digest = "ab" * 32
    await today.team(
        "completion",
        "2017-07-11 10:00",
        evidence=[{"reference": "evidence/now.jpg", "sha256": digest}],
        handed_over=True,
    )

    # Nobody has touched what was said: each stands on the topic, and in the inboxes, as it was said.
    for service in ("routing", "sla"):
        ((number, data),) = await house.sql(HEARD.format(service), then.code)
        assert (number, json.loads(data)["evidence"]) == (1, ["evidence/then.jpg"])
        ((number, data),) = await house.sql(HEARD.format(service), today.code)
        assert (number, json.loads(data)["evidence"]) == (2, [{"reference": "evidence/now.jpg", "sha256": digest}])

    # Its own service, the one that goes on from it, and the judge understand both.
    for it, reference, sha256 in ((then, "evidence/then.jpg", None), (today, "evidence/now.jpg", digest)):
        order = await house.get("field", f"/workorders/{(await it.orders())[0]['work_order']}")
        assert (order["status"], order["evidence"]) == ("completed", [{"reference": reference, "sha256": sha256}])
        await it.released("2017-07-11 14:00")
    one, other = await then.cycle(), await today.cycle()
    assert one["released_at"] == other["released_at"]
    same = ("by_date", "by_session", "utility_seconds", "customer_seconds", "due_at", "outcome")
    assert [one[name] for name in same] == [other[name] for name in same]
    assert await then.types("route") == await today.types("route")

    # And the log folds to the same rows, through the same step.
    how = await house.rebuilt()
    assert (how["swapped"], how["differences"]) == (True, 0), how
