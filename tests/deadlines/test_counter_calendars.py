"""A counter that keeps days of its own, an island for one, promises by them."""

from datetime import UTC, date, datetime
from pathlib import Path

from deadlines.catalogue import Catalogue
from deadlines.load import load
from deadlines.promise import due

FOLDER = Path(__file__).parents[2] / "deploy" / "catalogue"
SERVICE = "LV-RES-URBAN@2017-07-01"
OWN = '    calendar: "VN-ISLE@2017.1"\n'
STORM = '      - {date: 2017-07-12, day: "off", basis: "A test\'s storm"}\n'


def with_an_island(tmp_path: Path, *versions: tuple[str, str]) -> Catalogue:
    """The shipped folder with an island's calendar, and PAC-200 in these versions: (dates, own calendar or none)."""
    for path in FOLDER.glob("*.yaml"):
        text = path.read_text("utf-8")
        if path.name == "units.yaml":
            entry = text[text.index("  - code: PAC-200\n") : text.index("  - code: PAC-201\n")]
            told = [entry.replace("    from: 2017-01-01\n", dates + own) for dates, own in versions]
            text = text.replace(entry, "".join(told))
        (tmp_path / path.name).write_text(text, "utf-8")
    calendars = (tmp_path / "calendars.yaml").read_text("utf-8")
    (tmp_path / "isle.yaml").write_text(calendars.replace("VN-PAC@2017.1", "VN-ISLE@2017.1") + STORM, "utf-8")
    return load(tmp_path)


def test_a_dossier_of_the_island_is_due_a_day_later_than_the_others(tmp_path: Path) -> None:
    """It is closed on a day on which the others work."""
    catalogue = with_an_island(tmp_path, ("    from: 2017-01-01\n", OWN))
    service, day = catalogue.service(SERVICE), date(2017, 7, 10)
    received = datetime(2017, 7, 10, 2, tzinfo=UTC)
    isle, other = (
        due(catalogue.promised(code, service, day), service.limit, received) for code in ("PAC-200", "PAC-201")
    )
    assert (isle, other) == (datetime(2017, 7, 14, 10, tzinfo=UTC), datetime(2017, 7, 13, 10, tzinfo=UTC))


def test_a_version_of_the_unit_that_is_not_in_force_yet_changes_no_promise_of_today(tmp_path: Path) -> None:
    """What counts is the unit as it is when it receives."""
    versions = ("    from: 2017-01-01\n    to: 2018-01-01\n", ""), ("    from: 2018-01-01\n", OWN)
    catalogue = with_an_island(tmp_path, *versions)
    service = catalogue.service(SERVICE)
    assert catalogue.promised("PAC-200", service, date(2017, 12, 31)).id == "VN-PAC@2017.1"
    assert catalogue.promised("PAC-200", service, date(2018, 1, 1)).id == "VN-ISLE@2017.1"
