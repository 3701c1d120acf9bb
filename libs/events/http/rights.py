"""Who may do what: the one table of route → roles."""

from events.actor import Role

# Routes that read, open to everybody who works here; leaders and auditors read everything.
READERS: frozenset[Role] = frozenset({"receptionist", "officer", "team", "leader", "operator", "auditor"})

# The one table. A route that is not here is refused. Units are checked by `within` where a unit is named.
RIGHTS: dict[str, frozenset[Role]] = {
    "give-advice": frozenset({"receptionist"}),
    "receive": frozenset({"receptionist"}),
    "request-supplement": frozenset({"receptionist", "leader"}),
    "receive-supplement": frozenset({"receptionist"}),
    "refuse": frozenset({"receptionist", "leader"}),
    "withdraw": frozenset({"receptionist"}),
    "stop": frozenset({"leader"}),
    "extend": frozenset({"leader"}),
    "close": frozenset({"receptionist"}),
    "reopen": frozenset({"leader"}),
    "correct": frozenset({"leader"}),
    "reclassify": frozenset({"leader"}),
    "rate": frozenset({"receptionist"}),
    "read-person": frozenset({"receptionist", "team"}),
    "acknowledge": frozenset({"officer", "team"}),
    "complete-step": frozenset({"officer", "team"}),
    "forward": frozenset({"officer", "leader"}),
    "complete-customer-action": frozenset({"receptionist"}),
    "request-customer-action": frozenset({"officer"}),
    "refer": frozenset({"officer"}),
    "record-reply": frozenset({"officer"}),
    "return": frozenset({"officer"}),
    "schedule-visit": frozenset({"team"}),
    "miss-visit": frozenset({"team"}),
    "start-work": frozenset({"team"}),
    "obstruct-work": frozenset({"team"}),
    "resume-work": frozenset({"team"}),
    "complete-work": frozenset({"team"}),
    "seal": frozenset({"leader"}),
    "close-remedy": frozenset({"leader"}),
    "read": READERS,
    "emit": frozenset({"emitter"}),
    "set-clock": frozenset({"operator"}),
    "operate": frozenset({"operator"}),
    "suppose": frozenset({"operator", "leader"}),
    "publish-rules": frozenset({"leader"}),
}
