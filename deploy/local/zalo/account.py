"""The Official Account's tokens: access for 25 hours, refresh for one use."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from local.zalo.journal import Journal

LIFETIME = timedelta(seconds=90_000)
TOKENS, EXPIRED = "tokens", "tokens-expired"  # kinds of journal lines


class Spent(Exception):
    """The refresh token is unknown, or was used before."""


@dataclass
class Account:
    """Which tokens are good. The first refresh token comes from whoever registered the application."""

    journal: Journal
    refresh_token: str
    _until: dict[str, datetime] = field(default_factory=dict)

    def recall(self, entry: dict[str, Any]) -> None:
        """Take one line of the journal."""
        if entry["kind"] == TOKENS:
            self.refresh_token = entry["refresh"]
            if entry["access"]:
                self._until[entry["access"]] = datetime.fromisoformat(entry["until"])
        elif entry["kind"] == EXPIRED:
            self._until = dict.fromkeys(self._until, datetime.fromisoformat(entry["at"]))

    def refresh(self, spent: str, now: datetime) -> tuple[str, str]:
        """A new (access, refresh) pair; the given refresh token is worth nothing from here on. Raises Spent."""
        if not secrets.compare_digest(spent.encode(), self.refresh_token.encode()):
            raise Spent
        return self._issue(f"access-{secrets.token_hex(16)}", now)

    def consent(self, now: datetime) -> str:
        """A fresh refresh token, as after a manual consent: the only way back when one was lost."""
        return self._issue("", now)[1]

    def expire(self, now: datetime) -> None:
        """Let every access token run out now."""
        self._keep({"kind": EXPIRED, "at": now.isoformat()})

    def state(self, access: str, now: datetime) -> str:
        """good, expired or unknown."""
        until = self._until.get(access)
        if until is None:
            return "unknown"
        return "good" if now < until else "expired"

    def _issue(self, access: str, now: datetime) -> tuple[str, str]:
        refresh = f"refresh-{secrets.token_hex(16)}"
        self._keep({"kind": TOKENS, "access": access, "refresh": refresh, "until": (now + LIFETIME).isoformat()})
        return access, refresh

    def _keep(self, entry: dict[str, Any]) -> None:
        self.journal.keep(entry)
        self.recall(entry)
