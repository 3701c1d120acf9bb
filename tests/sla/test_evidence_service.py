"""Evidence from a real database: what the service hands out is found unchanged by the program that goes with it."""

import json
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from handed_out import chained, checked
from oracle.telling import Story, local, promise
from sla_at_work import RULES, Sla

from deadlines.inforce import InForce
from events.signing import public, vouched
from onedoor.verifier import Evidence as Found
from sla.counting.periods import month
from sla.evidence import bundle, day_sealer
from sla.evidence.bundle import Behind, Trees

KEY = Ed25519PrivateKey.generate()
JULY, AUGUST = month(2017, 7), month(2017, 8)


def told(number: int = 1) -> Story:
    it = Story(f"000.00.02.H49-170710-{number:04d}")
    it.received(local(7, 10, 9), promise())
    it.forwarded(local(7, 10, 10), "DL-193")
    asked = it.supplement(local(7, 11, 10))
    it.supplemented(local(7, 12, 15), asked)
    it.returned(local(7, 18, 9))
    return it


async def sealed(sla: Sla) -> None:
    while await day_sealer.seal(sla.pool, local(12, 1), KEY):
        pass


async def files(sla: Sla, *cases: str) -> dict[str, bytes]:
    """The files of an archive, as `onedoor evidence` puts them together."""
    trees = Trees()
    async with sla.pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        rules, digest = await bundle.rules(connection, InForce(RULES.catalogue, "events"), trees, KEY)
        found = await bundle.dossiers(connection, cases, digest, trees, KEY)
        listed = await bundle.month(connection, JULY, "2017-07", digest, KEY)
        seals = await day_sealer.since(connection, JULY.since, 100)
    made = {"seals.json": msgspec.json.encode({"seals": seals}), "month.json": msgspec.json.encode(listed)}
    for name, one in {"rules": rules, **{f"dossiers/{case}": one for case, one in found.items()}}.items():
        made[f"{name}.json"] = msgspec.json.encode({"signed": one.signed, "proofs": one.proofs})
        made[f"{name}.ndjson"] = one.events.encode()
    return made


def found(made: dict[str, bytes]) -> Found:
    return checked(made, public(KEY))


def document(made: dict[str, bytes], case: str) -> Any:
    return json.loads(made[f"dossiers/{case}.json"])["signed"]["document"]


async def test_what_is_handed_out_is_found_unchanged(sla: Sla) -> None:
    """Facts of others and what we said ourselves, every one sealed; the verdict is the one that is shown."""
    one, other = told(1), told(2)
    await sla.hear(chained([*one.facts, *other.facts]))
    await sealed(sla)
    made = await files(sla, one.case_id, other.case_id)
    it = found(made)
    assert (it.wrong, it.notes, it.unsealed, it.facts) == ([], [], 0, 12)
    shown = document(made, one.case_id)
    assert [head["stream"].partition("-")[0] for head in shown["heads"]] == ["case", "promise", "route"]
    assert [cycle["by_date"] for cycle in shown["verdict"]] == ["overdue"]


async def test_what_came_after_the_last_seal_is_not_sealed_yet(sla: Sla) -> None:
    it = told()
    await sla.hear(chained(it.facts))
    await sealed(sla)
    it.closed(local(7, 20, 9))
    await sla.hear(chained(it.facts))
    looked = found(await files(sla, it.case_id))
    assert (looked.wrong, looked.unsealed) == ([], 1)
    await sealed(sla)
    looked = found(await files(sla, it.case_id))
    assert (looked.wrong, looked.unsealed) == ([], 0)


async def test_a_judged_row_that_somebody_edited_is_found(sla: Sla) -> None:
    """The verdict in the file is the one on the boards, not one that is made for the occasion."""
    it = told()
    await sla.hear(chained(it.facts))
    await sla.pool.execute("update cycles set class_a = 'ahead' where case_id = $1", it.case_id)
    wrong = found(await files(sla, it.case_id)).wrong
    assert wrong == [f"dossiers/{it.case_id}.json, cycle 1, by_date: is ahead, and by the facts overdue"]


async def test_a_fact_that_somebody_edited_in_the_inbox_is_found(sla: Sla) -> None:
    """By the seal of its day, even if the hashes of its stream were made anew, and the verdict with them."""
    it = told()
    await sla.hear(chained(it.facts))
    await sealed(sla)
    it.facts[-1] = msgspec.structs.replace(it.facts[-1], at=local(7, 14, 9))
    edited = chained(it.facts)[-1]
    change = "update inbox set at = $1, hash = $2 where stream = $3 and version = $4"
    await sla.pool.execute(change, edited.at, edited.hash, edited.stream, edited.version)
    wrong = found(await files(sla, it.case_id)).wrong
    proof = f"dossiers/{it.case_id}.json, proof of route-{it.case_id}@2 in seal 4: does not lead to the root of"
    assert any(one.startswith(proof) for one in wrong), wrong


async def test_nothing_is_handed_out_before_it_is_judged(sla: Sla) -> None:
    it = told()
    await sla.keep(chained(it.facts))
    with pytest.raises(Behind):
        await files(sla, it.case_id)


async def test_a_fact_that_is_set_aside_is_told(sla: Sla) -> None:
    """A gap that the system states is no change; nothing is concluded, and nothing is judged again."""
    it = told()
    facts = chained(it.facts)
    await sla.hear([fact for fact in facts if fact.id != f"case-{it.case_id}@2"])
    await sla.pool.execute(
        "insert into parked (follower, subject, place, reason, body) values ('hear', $1, 't/0/1', 'no', '')", it.case_id
    )
    made = await files(sla, it.case_id)
    looked = found(made)
    assert document(made, it.case_id)["missing"] == [f"case-{it.case_id}@2"]
    assert (looked.wrong, len(looked.notes)) == ([], 2)


async def test_a_month_lists_whatever_counts_in_it(sla: Sla) -> None:
    """Open in it or received; signed; in no other month."""
    one, late = told(1), Story("000.00.02.H49-170829-0001")
    late.received(local(8, 29, 9), promise())
    await sla.hear(chained([*one.facts, *late.facts]))
    async with sla.pool.acquire() as connection:
        july = await bundle.month(connection, JULY, "2017-07", "", KEY)
        august = await bundle.month(connection, AUGUST, "2017-08", "", KEY)
    assert vouched(july, public(KEY))
    assert (july.document["dossiers"], august.document["dossiers"]) == ([one.case_id], [late.case_id])


async def test_trees_are_kept_and_let_go(sla: Sla, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more leaves than there is room for, and always the one that was asked for."""
    await sla.keep(chained([fact for number in range(1, 4) for fact in told(number).facts]))
    await sealed(sla)
    monkeypatch.setattr(bundle, "LARGEST", 7)
    trees = Trees()
    async with sla.pool.acquire() as connection:
        sizes = [len((await trees.of(connection, number)).tree) for number in (1, 2, 3, 4, 1)]
    assert sizes == [6, 3, 3, 3, 6]
    assert list(trees._kept) == [1]
