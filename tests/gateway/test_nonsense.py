"""Whatever is sent, at whichever door: it is decided, nothing throws, and what is said of it can be kept and told."""

import json
from collections.abc import Sequence
from random import Random

from gateway import nonsense
from gateway.told import ARRIVED, EVERYTHING, OURS
from hypothesis import given
from hypothesis import strategies as st

from events.commands.handle import Moment
from events.contracts.catalogue import name_of, read, write
from events.gateway.cloudevent import BATCH, Item, of_request
from events.gateway.decide import Refusal, decide
from events.gateway.equality import Known
from events.gateway.rules import Accepted
from events.gateway.signed_record import Letter
from events.http import problems
from intake.gateway.keeping import said

MOMENT = Moment(now=ARRIVED)
storms = st.randoms(use_true_random=True)


def decided(items: Item | Sequence[Item], known: dict[str, Known]) -> None:
    """Each is accepted, a repeat, or refused with what its emitter needs; all of it in characters that can be kept."""
    for item in [items] if isinstance(items, Item) else items:
        name, made = decide(item, EVERYTHING, OURS, ARRIVED, known)
        match made:
            case Accepted():
                kind, schema = name_of(made.fact)
                assert read(kind, schema, made.data, trusted=True) == made.fact
                assert made.name == name
                kept = [*made.name, made.cause.correlation, made.cause.causation, made.cause.trace or ""]
                assert "\0" not in "".join(kept).encode().decode()
            case Refusal():
                assert made.why.detail
                assert made.why.field
                assert made.why.way_out
                json.dumps(problems.refusal(made.why), ensure_ascii=False).encode()
                (fact,) = said(made, MOMENT).facts
                kind, schema = name_of(fact)
                assert read(kind, schema, write(fact), trusted=False) == fact
                assert b"\\u0000" not in write(fact)
                assert "\0" not in f"{made.why.field}{made.why.way_out}"
            case None:
                assert name is not None


@given(storms)
def test_whatever_is_posted_is_decided(chance: Random) -> None:
    known: dict[str, Known] = {}
    for number in range(10):
        headers, body = nonsense.request(chance, f"n-{number}", ARRIVED)
        lines = {name.lower(): value.decode("latin-1") for name, value in headers}
        decided(of_request(lines.get("content-type", ""), lines, body), known)
    decided(of_request(BATCH, {}, nonsense.batch(chance, [f"n-{number}" for number in range(10)], ARRIVED)), known)


@given(storms)
def test_whatever_is_on_the_topic_is_decided(chance: Random) -> None:
    known: dict[str, Known] = {}
    for number in range(20):
        letter = Letter.of(*nonsense.record(chance, f"n-{number}", ARRIVED))
        assert letter.is_signed_by(EVERYTHING.keys) in (True, False)
        decided(letter.read(), known)
        assert Letter.unpacked(letter.packed()) == letter
