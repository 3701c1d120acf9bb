"""What was sent of a table, and how far its import has come: a SQLite file beside the table.

It lets an interrupted import go on, and the next export be compared with what was sent. It is no account of what the
gateway has: without it everything is sent again, and comes back as repeats.
"""

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

from deadlines.instants import local_date
from events.errors import OnedoorError
from onedoor.importing.rows import RowRefused, Told, kind_of

VERSION: Final = 1
TABLES: Final = """
-- The import under way; no row where the last one has ended. `of`: a hash of table, mapping and correction.
create table reading (of text not null, rows integer not null, silent integer not null, repeated integer not null);

-- What its table says. `base`: the id that follows from the row, `id` the one that it is sent under; `answers`: the
-- base of the question; `said`: a hash of the event as the row says it, `digest` of the event as it is sent. `change`:
-- new, same, or changed, against the row of `sent` whose id is `stands` and whose body was `before`. `outcome`:
-- accepted, duplicate, refused, or held: not sent, because it has changed. `void`: the FactVoided that comes before it.
create table event (
    number integer primary key, row integer not null, case_id text not null, activity text not null, kind text not null,
    base text not null, id text not null, answers text, day integer not null, said blob not null, digest blob not null,
    body text not null, columns text not null, change text, stands text, before text, outcome text, void text,
    void_outcome text, unique (base, said)
);
create index event_by_outcome on event (outcome, number);
create table refusal (row integer not null, case_id text not null, place text not null, rule text not null,
    detail text not null, way_out text not null);

-- What stands at the gateway by imports of this mapping. `gone`: 1 not in the last table, 2 for the first time.
create table sent (
    id text primary key, source text not null, case_id text not null, activity text not null, kind text not null,
    digest blob not null, body text not null, gone integer not null default 0
);
create index sent_by_act on sent (case_id, activity, kind);
-- Ids that were voided: they are not used again.
create table retired (id text primary key);
"""
EVENT: Final = """
insert or ignore into event (row, case_id, activity, kind, base, id, answers, day, said, digest, body, columns)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
SENT: Final = """
insert or replace into sent (id, source, case_id, activity, kind, digest, body)
select id, ?, case_id, activity, kind, digest, body from event where number = ?
"""
UNSENT: Final = """
select number, row, case_id, body, columns from event where outcome is null and void is null and number > ?
order by number limit ?
"""
VOIDS: Final = """
select number, row, case_id, void as body, '{}' as columns from event
where void is not null and void_outcome is null and outcome is null order by number limit ?
"""
ANEW: Final = """
select number, row, case_id, body, columns from event
where void_outcome is not null and outcome is null order by number limit ?
"""
VOIDED: Final = "insert or ignore into retired select stands from event where number = ?"
GONE: Final = """
update sent set gone = case gone when 0 then 2 else 1 end
where id not in (select stands from event where stands is not null)
"""
FOUND: Final = "update sent set gone = 0 where id in (select stands from event where stands is not null)"


class Unsent(NamedTuple):
    """An event that waits to be sent."""

    number: int
    row: int
    case: str
    body: str
    columns: str

    @property
    def told(self) -> Told:
        return Told(self.row, self.case, {}, json.loads(self.columns))


class State:
    """The file, held by one import at a time. Raises OnedoorError with a sentence."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        db.row_factory = sqlite3.Row

    def begun(self, of: str) -> bool:
        """Whether an import of the same was interrupted, and goes on."""
        found = self.db.execute("select of from reading").fetchone()
        return found is not None and bool(found["of"] == of)

    def begin(self, of: str, rows: int, source: str) -> None:
        """Forget an interrupted import of something else; what it sent stays. Raises OnedoorError: what was sent is
        another emitter's, and cannot be compared."""
        other = self.db.execute("select source from sent where source <> ? limit 1", (source,)).fetchone()
        if other is not None:
            raise OnedoorError(
                f"by this mapping events were sent as {other['source']}, and now it says {source}; give the mapping of "
                "another source another name"
            )
        self.clear()
        self.db.execute("insert into reading values (?, ?, 0, 0)", (of, rows))

    def clear(self) -> None:
        """The import has ended."""
        for table in ("reading", "event", "refusal"):
            self.db.execute(f"delete from {table}")

    def silent(self) -> None:
        """A row that says nothing."""
        self.db.execute("update reading set silent = silent + 1")

    def add(self, one: Told) -> None:
        """An event of the table; the same one again is only counted."""
        said = digest_of(one.event, day=one.day)
        row = (
            one.row,
            one.case,
            one.activity,
            kind_of(one.event),
            one.event["id"],
            one.event["id"],
            one.answers,
            one.day,
            said,
            said,
            encoded(one.event),
            encoded(one.columns),
        )
        if not self.db.execute(EVENT, row).rowcount:
            self.db.execute("update reading set repeated = repeated + 1")

    def refuse(self, one: RowRefused) -> None:
        """A row, or its event, that was refused."""
        self.db.execute("insert into refusal values (?, ?, ?, ?, ?, ?)", one)

    def compared(self) -> None:
        """Every event knows what it stands for: the others of what was sent are gone."""
        self.db.execute(GONE)
        self.db.execute(FOUND)

    # -- sending ----------------------------------------------------------------------------------

    def unsent(self, after: int, most: int) -> list[Unsent]:
        """The next events, but for those whose earlier form is taken back first."""
        return [Unsent(*row) for row in self.db.execute(UNSENT, (after, most))]

    def voids(self, most: int) -> list[Unsent]:
        """The next events that take something back."""
        return [Unsent(*row) for row in self.db.execute(VOIDS, (most,))]

    def anew(self, most: int) -> list[Unsent]:
        """The next events whose earlier form was taken back."""
        return [Unsent(*row) for row in self.db.execute(ANEW, (most,))]

    def became(self, number: int, outcome: str, source: str) -> None:
        """What became of an event."""
        self.db.execute("update event set outcome = ? where number = ?", (outcome, number))
        if outcome != "refused":
            self.db.execute(SENT, (source, number))

    def voided(self, number: int, outcome: str) -> None:
        """What became of the event that takes back the earlier form of this one. Refused, it stands as it was."""
        self.db.execute("update event set void_outcome = ? where number = ?", (outcome, number))
        if outcome == "refused":
            self.db.execute("update event set outcome = 'held' where number = ?", (number,))
        else:
            self.db.execute(VOIDED, (number,))
            self.db.execute("delete from sent where id = (select stands from event where number = ?)", (number,))

    def hold(self) -> None:
        """Nothing of what has changed is sent."""
        self.db.execute("update event set outcome = 'held' where void is not null and void_outcome is null")

    @property
    def left(self) -> int:
        """So many events wait to be sent."""
        return self.count("event where outcome is null")

    def count(self, of: str) -> int:
        """The rows of a table."""
        return int(self.db.execute(f"select count(*) from {of}").fetchone()[0])

    def refused(self) -> Iterator[RowRefused]:
        """In the order of the table."""
        for row in self.db.execute("select * from refusal order by row, rowid"):
            yield RowRefused(*row)


@contextmanager
def opened(path: Path, *, dry_run: bool) -> Iterator[State]:
    """The state in a file, made where there is none; or a copy of it in memory, so that a dry run changes nothing."""
    try:
        with _held(path, dry_run), closing(_connected(path, dry_run)) as db:
            if db.execute("pragma user_version").fetchone()[0] > VERSION:
                raise OnedoorError(f"{path.name} was written by a newer onedoor; use that one")
            if not db.execute("select 1 from sqlite_master where name = 'sent'").fetchone():
                db.executescript(f"begin; {TABLES}; pragma user_version = {VERSION}; commit")
            yield State(db)
    except sqlite3.Error as broken:
        raise OnedoorError(
            f"{path.name}: {broken}; it keeps what was sent. Without it everything is sent again, as repeats, and no "
            "change is noticed"
        ) from broken


def _connected(path: Path, dry_run: bool) -> sqlite3.Connection:
    if not dry_run:
        return sqlite3.connect(path, isolation_level=None)
    db = sqlite3.connect(":memory:", isolation_level=None)
    if path.exists():
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as kept:
            kept.backup(db)
    return db


@contextmanager
def _held(path: Path, dry_run: bool) -> Iterator[None]:
    """The file is this process's own; only its owner can read it."""
    if dry_run:
        yield
        return
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as broken:
        raise OnedoorError(f"{path}: {broken.strerror}; what was sent is kept there, beside the table") from broken
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise OnedoorError(f"{path.name}: another import by this mapping is under way") from None
    finally:
        os.close(file)


@contextmanager
def transaction(state: State) -> Iterator[None]:
    """Everything in it is kept together."""
    state.db.execute("begin")
    try:
        yield
    except BaseException:
        state.db.execute("rollback")
        raise
    state.db.execute("commit")


def encoded(value: Mapping[str, Any]) -> str:
    """As JSON, with the letters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def digest_of(event: Mapping[str, Any], *, day: bool) -> bytes:
    """What tells an event from another whatever their ids are: what happened, when, and how. Of a `day` not when in it:
    that is a guess, which other rows of the dossier move."""
    when = local_date(datetime.fromisoformat(event["time"])).isoformat() if day else event["time"]
    said = [kind_of(event), when, event["data"]]
    return sha256(json.dumps(said, ensure_ascii=False, sort_keys=True).encode()).digest()
