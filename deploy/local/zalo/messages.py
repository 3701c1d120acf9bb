"""Every send that the account received, and the trouble that was ordered for the next ones."""

import hashlib
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.zalo.journal import Journal

TEXT_LIMIT = 2000  # characters after NFC, the form in which a Vietnamese letter is one character
SEND, FOLLOWING = "send", "following"  # kinds of journal lines

# The Official Account API's numbers; the same numbers mean other things in Zalo's other APIs.
OK, RATE, PARAMETER, LIMIT, NO_FOLLOWER, TOKEN_INVALID, TOKEN_EXPIRED = 0, -32, -201, -210, -213, -216, -220
MEANING = {
    OK: "Success",
    RATE: "Your application has reached its rate limit",
    -200: "Send message failed",
    PARAMETER: "Invalid parameter",
    LIMIT: "Parameter exceeds its limit",
    -211: "Out of quota",
    NO_FOLLOWER: "User has not followed the OA",
    TOKEN_INVALID: "Access token is invalid",
    -217: "User has blocked invitations",
    TOKEN_EXPIRED: "Access token has expired",
    -230: "User has not interacted with the OA in the past 7 days",
}


@dataclass
class Failure:
    """The next `times` sends (to one user, or to any) fail with this number; with a status of its own if it says so."""

    code: int
    times: int = 1
    user: str | None = None
    status: int = 200


@dataclass
class Messages:
    """What came in, in order. A user follows the account unless told otherwise."""

    journal: Journal
    received: list[dict[str, Any]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    _pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    _gone: set[str] = field(default_factory=set)

    def recall(self, entry: dict[str, Any]) -> None:
        """Take one line of the journal."""
        if entry["kind"] == SEND:
            self.received.append(entry)
            if entry["error"] == OK:
                self._pairs[entry["user_id"], entry["text"]] += 1
        elif entry["kind"] == FOLLOWING:
            (self._gone.discard if entry["follows"] else self._gone.add)(entry["user_id"])

    def take(self, user: str, text: str, now: datetime, error: int) -> dict[str, Any]:
        """Keep one send with its outcome.

        The message id depends on user, text and how many times this very pair was accepted before: two runs that send
        the same get the same ids, and a double has an id of its own.
        """
        nth = self._pairs[user, text] + 1
        accepted = error == OK
        seed = f"{user}\0{text}\0{nth}".encode()
        entry = {
            "kind": SEND,
            "seq": len(self.received) + 1,
            "user_id": user,
            "text": text,
            "error": error,
            "nth": nth if accepted else None,
            "message_id": hashlib.sha256(seed).hexdigest()[:24] if accepted else None,
            "at": now.isoformat(),
        }
        self.journal.keep(entry)
        self.recall(entry)
        return entry

    def verdict(self, user: str, text: str) -> int:
        """The number with which a well-addressed send is answered, before any ordered failure."""
        if not user or not text:
            return PARAMETER
        if len(unicodedata.normalize("NFC", text)) > TEXT_LIMIT:
            return LIMIT
        return NO_FOLLOWER if user in self._gone else OK

    def ordered_failure(self, user: str) -> Failure | None:
        """The failure that was ordered for a send to this user, used up by one."""
        for failure in self.failures:
            if failure.user in (None, user):
                failure.times -= 1
                if failure.times <= 0:
                    self.failures.remove(failure)
                return failure
        return None

    def follow(self, user: str, *, follows: bool) -> None:
        entry = {"kind": FOLLOWING, "user_id": user, "follows": follows}
        self.journal.keep(entry)
        self.recall(entry)

    def since(self, seq: int) -> dict[str, Any]:
        """What came after that number, and the totals: accepted, refused, and accepted beyond the first of its pair."""
        accepted = sum(self._pairs.values())
        return {
            "messages": [{name: one[name] for name in one if name != "kind"} for one in self.received[seq:]],
            "received": len(self.received),
            "accepted": accepted,
            "refused": len(self.received) - accepted,
            "repeated": accepted - len(self._pairs),
            "next": len(self.received),
        }
