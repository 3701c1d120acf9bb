"""What can be wrong with a calendar or a catalogue. Every message is a sentence that names the place.

OnedoorError
└── DeadlinesError
    ├── CatalogueError     the data files contradict themselves or their schema
    │   ├── UnknownId      an id that no file defines
    │   ├── Overlapping    two versions of one thing in force on one day
    │   └── TwoContents    one id@version with two contents
    └── OutsideCalendar    an instant or a due date beyond the span that calendars cover
"""

from events.errors import OnedoorError


class DeadlinesError(OnedoorError):
    """Something about working time that can be said in a sentence."""


class CatalogueError(DeadlinesError):
    """The catalogue's files contradict themselves or their schema."""


class UnknownId(CatalogueError):
    """An id that the catalogue does not define."""


class Overlapping(CatalogueError):
    """Two versions of one thing are in force on one day."""


class TwoContents(CatalogueError):
    """One id@version means two things: a change is a new version."""


class OutsideCalendar(DeadlinesError):
    """Beyond the years that calendars cover."""
