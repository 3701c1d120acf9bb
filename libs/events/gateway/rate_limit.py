"""How many events an emitter may send: its allowance fills with time, up to a minute's worth. Pure; per process."""

from dataclasses import dataclass, field
from math import floor

from events.gateway.emitters import Emitter


@dataclass(slots=True)
class Quotas:
    """What was left of each emitter's allowance, in events, and when (seconds of a clock that never goes back)."""

    _left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait(self, emitter: Emitter, events: int, now: float) -> float:
        """Take so many events off the allowance: 0, or how many seconds to wait, and then nothing is taken.

        Whoever has a whole minute's worth may send a longer batch than that; what it took too much is filled first.
        """
        most, each = float(emitter.per_minute), emitter.per_minute / 60
        left, since = self._left.get(emitter.code, (most, now))
        left = min(most, left + (now - since) * each)
        wanted = min(float(events), most)
        if left < wanted:
            self._left[emitter.code] = left, now
            return (wanted - left) / each
        self._left[emitter.code] = left - events, now
        return 0.0

    def headers(self, emitter: Emitter, now: float) -> dict[str, str]:
        """The quota and what is left of it, in events, as the header fields RateLimit-Policy and RateLimit say it
        (draft-ietf-httpapi-ratelimit-headers-10), so that a sender need not run into it."""
        most = emitter.per_minute
        left, since = self._left.get(emitter.code, (float(most), now))
        room = max(0, floor(min(most, left + (now - since) * most / 60)))
        return {"RateLimit-Policy": f'"events";q={most};w=60', "RateLimit": f'"events";r={room}'}
