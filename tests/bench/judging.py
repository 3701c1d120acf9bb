"""Judging cases from memory against decoding their CloudEvents, envelope and data, in one process and by turns."""

import gc
from collections.abc import Callable, Sequence
from time import process_time

import msgspec
from oracle.judging import RULES
from oracle.quarter import quarter
from oracle.telling import Story

from bench import made
from bench.figures import line, ratio
from events.contracts.catalogue import CATALOGUE
from events.kafka.cloudevent import PREFIX, CloudEvent, from_cloudevent, to_cloudevent
from sla.judging.judge import judge

ROUNDS = 9
ENVELOPE = msgspec.json.Decoder(CloudEvent)
DATA = {f"{PREFIX}{name}.v{entry.schema}": entry.trusting for name, entry in CATALOGUE.items()}


def measure(cases: int = 1000) -> None:
    """Made-up households of ten to twelve facts, then the richest dossiers of the generated quarter. Needs no parts."""
    RULES.catalogue.build()
    _compare("households of 10-12 facts", [made.case(number) for number in range(cases)])
    rich = sorted(quarter(cases * 10), key=lambda story: len(story.facts))[-cases:]
    _compare("the quarter's richest", rich)


def _compare(what: str, stories: Sequence[Story]) -> None:
    bodies = [[to_cloudevent(made.row(fact), "/onedoor/bench") for fact in story.facts] for story in stories]
    # What was read from the wire shares no object with anything, as in a service.
    facts = [[from_cloudevent(body) for body in one] for one in bodies]
    sizes = [len(one) for one in bodies]
    print(f"judging: {len(stories):,} cases, {what}: {min(sizes)} to {max(sizes)} facts")
    sides: dict[str, Callable[[int], object]] = {
        "msgspec: envelope and data": lambda at: [_decode(body) for body in bodies[at]],
        "our decoding, with its checks": lambda at: [from_cloudevent(body) for body in bodies[at]],
        "judge": lambda at: judge(facts[at], RULES),
    }
    times: dict[str, list[float]] = {name: [] for name in sides}
    gc.collect()
    gc.freeze()  # what the benchmark itself holds is no work of either side
    for _ in range(ROUNDS):
        for name, side in sides.items():
            began = process_time()
            for at in range(len(stories)):
                side(at)
            times[name].append((process_time() - began) / len(stories) * 1e6)
    bare, ours, judged = (line(name, rates, "µs/case") for name, rates in times.items())
    ratio(judged, bare, "at most 1.5")
    ratio(judged, ours, "no promise: against our own decoding")


def _decode(body: bytes) -> object:
    event = ENVELOPE.decode(body)
    return event, DATA[event.type].decode(event.data)
