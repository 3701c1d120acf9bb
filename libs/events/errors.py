"""Every error of onedoor's own, as one tree. The docstring is the message's first half.

OnedoorError
├── Refused            a rule says no (4xx for the caller; nothing was recorded)
│   ├── Forbidden      the actor's role or unit may not do this
│   ├── NotFound       there is no such dossier, order or submission
│   ├── NotUnderstood  the content is of a type or an encoding that is not read here
│   ├── Stale          the caller saw an older version than the one that stands
│   └── TooMuch        the caller asks more than its share of us; later it may
├── WrongVersion       somebody appended first: load, decide and append again
├── KeyReused          an Idempotency-Key came again with another body
├── Unreadable         bytes that break their contract: parked with the reason
├── UnknownType        a well-formed fact of a type that this version does not know: kept
├── NotOurCluster      the database is not the one that this service wrote to before
└── StoreBehind        the topics hold facts of this service that its store does not have
"""


class OnedoorError(Exception):
    """Something that onedoor can say in a sentence."""


class Refused(OnedoorError):
    """A rule says no. `rule` is its stable name, `field` where it applies, `way_out` what to do instead."""

    status = 422

    def __init__(self, rule: str, detail: str, *, field: str | None = None, way_out: str | None = None, **more: object):
        super().__init__(detail)
        self.rule, self.detail, self.field, self.way_out, self.more = rule, detail, field, way_out, more


class Forbidden(Refused):
    """The actor's role or unit may not do this."""

    status = 403


class NotFound(Refused):
    """There is no such thing to act on."""

    status = 404


class Conflict(Refused):
    """The thing is no longer in a state that allows this."""

    status = 409


class NotUnderstood(Refused):
    """The content is of a type, or in an encoding, that is not read here."""

    status = 415


class Stale(Refused):
    """The caller decided on an older version than the one that stands."""

    status = 412


class TooMuch(Refused):
    """The caller has used up its share for now. `retry_after`: seconds until there is some again."""

    status = 429


class WrongVersion(OnedoorError):
    """Somebody else appended to the stream first."""


class KeyReused(Refused):
    """The same Idempotency-Key came with another body."""

    status = 409


class Unreadable(OnedoorError):
    """Bytes that break their contract; the message names the field, and so does `field` where there is one."""

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.field = field


class UnknownType(OnedoorError):
    """A well-formed fact of a type or schema that this version does not know."""


class NotOurCluster(OnedoorError):
    """The database cluster is not the one that this service wrote to before."""


class StoreBehind(OnedoorError):
    """The topics hold facts of this service that its store does not have: it would use their ids again."""
