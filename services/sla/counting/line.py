"""One line of the record: what it counts, column by column, the shares and averages of it, and what must add up."""

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from deadlines.instants import DAY
from events.contracts.terms import UnitKind
from sla.judging.rows import CycleRow

Column = Literal[
    "received", "received online", "received direct", "carried over",
    "solved", "ahead", "on time", "overdue", "with apology", "without apology",
    "open", "open in time", "open overdue", "waiting",
    "without result", "refused", "withdrawn", "stopped", "undetermined", "incomplete",
    "766 on time", "766 late", "766 pending late",
]  # fmt: skip
Cut = UnitKind | Literal["service", "field", "channel", "district"]
Made = Literal["with result", "mv", "rated"]
"""What shares and averages are made of, where no column counts just that: solved with a result, MV released, rated."""
Opening = Cut | Literal["delays", "dwell"]
"""Of what a number opens to its dossiers: of a line, of the delays or of the dwell times."""

CYCLES: Final[tuple[Cut, ...]] = ("organisation", "counter", "service", "field", "channel", "district")
"""What is counted in dossiers (cycles); each of them splits up the same dossiers."""

WORKING_DAY: Final = 8 * 3600
"""A working day of the company in working seconds, by which averages are given."""


class Item(NamedTuple):
    """What was counted: a cycle (`part` empty), a stay (its number) or a referral (its event)."""

    case_id: str
    cycle: int
    part: str = ""


class Share(NamedTuple):
    """A part of a whole. The quotient of nothing is None, not available: neither zero nor a hundred."""

    part: int
    whole: int

    @property
    def quotient(self) -> float | None:
        """Between 0 and 1."""
        return self.part / self.whole if self.whole else None


class Averages(NamedTuple):
    """Medium-voltage dossiers released in the period: mean days on each clock, and elapsed calendar days."""

    cases: int
    utility_days: float
    customer_days: float
    agency_days: float
    elapsed_days: float


class Ratings(NamedTuple):
    """Customers' marks of the cycles that ended in the period."""

    marks: int
    mean: float


@dataclass(slots=True)
class Line:
    """One unit's or cut's line of the record; filled while counting, then only read."""

    unit: str
    kind: Cut
    figures: dict[Column, list[Item]] = field(default_factory=dict)
    mv: list[CycleRow] = field(default_factory=list)
    stars: list[int] = field(default_factory=list)
    rated: list[Item] = field(default_factory=list)
    delay_seconds: int = 0
    """Of the dossiers that it counts as overdue, on the utility's clock; only where dossiers are counted."""

    def items(self, column: Column) -> list[Item]:
        """What a figure counts, in order of case."""
        return sorted(self.figures.get(column, []))

    def count(self, column: Column) -> int:
        """A figure."""
        return len(self.figures.get(column, ()))

    def made_of(self) -> dict[Made, list[Item]]:
        """What the on-time share, the MV averages and the mean mark are made of, in order of case."""
        solved = set(self.figures.get("solved", ())) - set(self.figures.get("without result", ()))
        mv = [Item(row.case_id, row.cycle) for row in self.mv]
        return {"with result": sorted(solved), "mv": sorted(mv), "rated": sorted(self.rated)}

    @property
    def mv_cases(self) -> int:
        """Medium-voltage dossiers released in the period."""
        return len(self.mv)

    @property
    def marks(self) -> tuple[int, int]:
        """How many customers rated, and the sum of their stars."""
        return len(self.stars), sum(self.stars)

    @property
    def on_time(self) -> Share:
        """(Ahead + on time) of those solved with a result."""
        without = self.count("without result")
        return Share(self.count("ahead") + self.count("on time") - without, self.count("solved") - without)

    @property
    def on_time_share(self) -> float | None:
        """The same as a number."""
        return self.on_time.quotient

    @property
    def on_time_766(self) -> Share:
        """Decision 766: on time of what was completed in the period, by classifier C."""
        kept = self.count("766 on time")
        return Share(kept, kept + self.count("766 late"))

    @property
    def overdue_766(self) -> Share:
        """Decision 766: completed late and pending late, of everything that was received or carried over."""
        late = self.count("766 late") + self.count("766 pending late")
        return Share(late, self.count("received") + self.count("carried over"))

    @property
    def mv_averages(self) -> Averages | None:
        """Mean days of medium-voltage dossiers; None when there are none."""
        cases = self.mv_cases
        if not cases:
            return None
        sums = self.mv_sums
        return Averages(
            cases,
            sums["mv utility seconds"] / WORKING_DAY / cases,
            sums["mv customer seconds"] / WORKING_DAY / cases,
            sums["mv agency seconds"] / WORKING_DAY / cases,
            sums["mv elapsed seconds"] / DAY / cases,
        )

    @property
    def mv_sums(self) -> dict[str, int]:
        """What the averages are made of, in whole seconds."""
        elapsed = [row.released_at - row.received_at for row in self.mv if row.released_at]
        return {
            "mv utility seconds": sum(row.utility_seconds for row in self.mv),
            "mv customer seconds": sum(row.customer_seconds for row in self.mv),
            "mv agency seconds": sum(row.agency_seconds for row in self.mv),
            "mv elapsed seconds": sum(length.days * DAY + length.seconds for length in elapsed),
        }

    @property
    def ratings(self) -> Ratings | None:
        """The mean mark; None when nobody rated."""
        marks, stars = self.marks
        return Ratings(marks, stars / marks) if marks else None

    def broken(self) -> list[str]:
        """The identities that do not hold, each as a sentence; empty when the line is sound."""
        received, carried, solved, still, pending = (
            set(self.figures.get(column, ()))
            for column in ("received", "carried over", "solved", "open", "766 pending late")
        )
        classes = [self.count(column) for column in ("ahead", "on time", "overdue")]
        checks = {
            "received + carried over = solved + open": received | carried == solved | still
            and len(received) + len(carried) == len(solved) + len(still),
            "received = online + direct": len(received)
            == self.count("received online") + self.count("received direct"),
            "solved = ahead + on time + overdue": len(solved) == sum(classes),
            "open = in time + overdue": len(still) == self.count("open in time") + self.count("open overdue"),
            "overdue = with apology + without": classes[2]
            == self.count("with apology") + self.count("without apology"),
        }
        if self.kind in CYCLES:
            without = self.count("refused") + self.count("withdrawn") + self.count("stopped")
            completed = self.count("766 on time") + self.count("766 late")
            checks |= {
                "without result = refused + withdrawn + stopped": self.count("without result") == without,
                "solved = on time + late by 766": len(solved) == completed,
                "pending late by 766 is open": pending <= still,
            }
        return [f"{self.unit}: {identity} does not hold" for identity, holds in checks.items() if not holds]
