"""The data of 2017 as shipped, and what a broken catalogue says."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from deadlines.catalogue import Catalogue
from deadlines.entries import CalendarEntry, CatalogueFile, Service
from deadlines.errors import CatalogueError, Overlapping, TwoContents, UnknownId
from deadlines.instants import day_on, midnight
from deadlines.load import load, load_file

FOLDER = Path(__file__).parents[2] / "deploy" / "catalogue"
SHIPPED = load(FOLDER)

LIMITS = {
    "LV-RES-URBAN": 3, "LV-RES-RURAL": 5, "LV-POLE": 7, "LV-NONRES-SMALL": 5, "LV-NONRES-LARGE": 7, "MV-CONNECT": 7,
    "CAPACITY-URBAN": 3, "CAPACITY-RURAL": 5, "CAPACITY-CT": 7, "RELOCATE": 5, "METER-CHECK": 3, "CONTRACT-CHANGE": 3,
    "TERMINATION": 3,
}  # fmt: skip


def test_the_services_of_2017_have_their_limits() -> None:
    """In working days; Decision 505/QD-EVN and what could be looked up beside it."""
    found = {code: SHIPPED.service_on(code, date(2017, 7, 10)).limit for code in LIMITS}
    assert {code: limit.amount for code, limit in found.items()} == LIMITS
    assert {limit.unit for limit in found.values()} == {"working_days"}


def test_a_service_changes_by_a_new_version() -> None:
    """The meter check of 2018 restarts after a supplement; the one of 2017 pauses."""
    assert SHIPPED.service_on("METER-CHECK", date(2018, 6, 20)).clock_policy == "PAUSE"
    assert SHIPPED.service_on("METER-CHECK", date(2018, 6, 21)).clock_policy == "RESTART"
    assert SHIPPED.service("METER-CHECK@2017-07-01").clock_policy == "PAUSE"


def test_fifteen_counters_each_with_its_own_receipt_part() -> None:
    """The province's and fourteen districts'."""
    counters = list(SHIPPED.units("counter", date(2017, 7, 10)))
    assert len(counters) == 15
    assert len({counter.prefix for counter in counters}) == 15
    assert SHIPPED.unit("PAC-22").prefix == "000.00.01.H49"


def test_every_unit_is_named_in_both_languages_and_can_be_reached() -> None:
    """Agencies are not ours to write to; everybody else has an account."""
    for unit in SHIPPED.units():
        assert unit.name.vi
        assert unit.name.en
        assert (unit.zalo is None) == (unit.kind == "agency")
    accounts = [unit.zalo for unit in SHIPPED.units() if unit.zalo]
    assert len(accounts) == len(set(accounts))


def test_a_merged_district_names_its_successor() -> None:
    """Hoanh Bo joined Ha Long on 1 January 2020."""
    assert SHIPPED.unit("PAC-204", date(2019, 12, 31)).successor == "PAC-193"
    with pytest.raises(UnknownId, match="PAC-204"):
        SHIPPED.unit("PAC-204", date(2020, 1, 1))


def test_every_step_of_every_process_leads_to_a_unit() -> None:
    """For each district, whichever the service."""
    for service in SHIPPED.services.values():
        for step in SHIPPED.process(service.process).steps:
            for unit in SHIPPED.units("counter"):
                assert SHIPPED.has_unit(step.unit_for(unit.district or "DL-193"))
                assert step.limit is not None
        SHIPPED.checklist(service.checklist)


def test_medium_voltage_has_two_phases_of_two_and_five_days() -> None:
    """The customer's own works lie between them."""
    steps = SHIPPED.process("MV").steps
    second = next(number for number, step in enumerate(steps) if step.waits_for == "own-works")
    hours = [step.limit.amount for step in steps if step.limit]
    assert (sum(hours[:second]), sum(hours[second:])) == (2 * 8, 5 * 8)


def test_agencies_have_limits_by_matter() -> None:
    """Ten working days underground, five overhead (Circular 24/2016/TT-BCT); unknown matters have none."""
    trench, overhead = (SHIPPED.agency_limit("QN-SGTVT", matter) for matter in ("road-trench", "corridor-overhead"))
    assert trench is not None
    assert overhead is not None
    assert (trench.amount, overhead.amount) == (10, 5)
    assert SHIPPED.agency_limit("QN-SGTVT", "something-else") is None
    assert SHIPPED.agency_limit("QN-NONE", "road-trench") is None


def test_a_checklist_names_every_gap_at_once() -> None:
    """A missing item by its name, a one-of group by the group's."""
    papers = SHIPPED.checklist("lv-residential")
    assert papers.missing([]) == ("request-form", "identity", "place")
    assert papers.missing(["identity", "land-use-right"]) == ("request-form",)
    assert papers.missing(["request-form", "identity", "household-book"]) == ()
    assert papers.name("place").en.startswith("Papers of the place")
    assert papers.name("identity") == papers.items["identity"]
    with pytest.raises(UnknownId, match="passport"):
        papers.name("passport")


def test_reasons_have_texts_and_uses() -> None:
    """What a word may be a reason for."""
    assert "obstacle" in SHIPPED.reason("trench-permit").uses
    with pytest.raises(UnknownId, match=r"reasons\.yaml"):
        SHIPPED.reason("no-such-reason")


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (
            lambda: SHIPPED.service("NO-SUCH@2017-07-01"),
            r"services\.yaml: id: there is no service 'NO-SUCH@2017-07-01'",
        ),
        (lambda: SHIPPED.service_on("LV-POLE", date(2016, 1, 1)), r"no version of service 'LV-POLE' is in force"),
        (lambda: SHIPPED.unit("DL-999"), r"units\.yaml: code: there is no unit 'DL-999'"),
        (lambda: SHIPPED.calendar("VN-PAC@1999.1"), r"calendars\.yaml: id: there is no calendar"),
        (lambda: SHIPPED.limit("NO-SUCH@2017-07-01"), r"there is no service 'NO-SUCH@2017-07-01'"),
        (lambda: SHIPPED.process("XX"), r"^processes\.yaml: processes: there is no process 'XX'$"),
        (lambda: SHIPPED.checklist("xx"), r"^checklists\.yaml: checklists: there is no checklist 'xx'$"),
        (lambda: SHIPPED.reason("xx"), r"^reasons\.yaml: reasons: there is no reason 'xx'$"),
        (lambda: SHIPPED.period("xx"), r"^record\.yaml: periods: there is no period 'xx'$"),
    ],
)
def test_an_unknown_id_is_a_sentence(ask: object, sentence: str) -> None:
    """Which file, which field, which id."""
    assert callable(ask)
    with pytest.raises(UnknownId, match=sentence):
        ask()


def broken(tmp_path: Path, name: str, old: str, new: str) -> Path:
    """A copy of the shipped folder with one thing changed."""
    for path in FOLDER.glob("*.yaml"):
        text = path.read_text("utf-8")
        if path.name == name:
            assert old in text
            text = text.replace(old, new, 1)
        (tmp_path / path.name).write_text(text, "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "old", "new", "sentence"),
    [
        ("services.yaml", "process: LV\n", "process: LW\n", r"services\.yaml: .*: process: 'LW' is not defined"),
        ("services.yaml", "    field: LV\n", "    feild: LV\n", r"services\.yaml: services\.0\.fe?i?e?ld"),
        ("services.yaml", "unit: working_days", "unit: days", r"services\.yaml: services\.0\.limit\.unit"),
        ("services.yaml", "    from: 2017-07-01\n", "    from: 2017-07-02\n", r"from: the version in the id"),
        (
            "services.yaml",
            "    to: 2018-06-21\n",
            "",
            r"^services\.yaml: METER-CHECK: two versions are in force on 2018-06-21",
        ),
        (
            "services.yaml",
            "checklist: meter-check",
            "checklist: none",
            r"^services\.yaml: METER-CHECK@2017-07-01: checklist: 'none' is not",
        ),
        ("services.yaml", '"VN-PAC@2017.1"', '"VN-PAC@2017.9"', r"calendar: 'VN-PAC@2017\.9' is not defined"),
        ("units.yaml", 'receipt: "02"', 'receipt: "01"', r"receipt: '01' is already the code part of"),
        ("units.yaml", "parent: PC-QN", "parent: PC-XX", r"parent: 'PC-XX' is not defined"),
        ("units.yaml", "to: 2020-01-01", "to: 2016-01-01", r"must lie later than `from`"),
        ("checklists.yaml", "all: [request-form,", "all: [request-from,", r"items without a name: request-from"),
        ("calendars.yaml", '["07:00", "11:30"]', "[07:00, 11:30]", r"in quotes, as in \"13:30\"$"),
        ("calendars.yaml", 'day: "off"', 'day: "half"', r"`sessions` is given for a half day"),
        ("reasons.yaml", "existing-debt:", "outside-area:", r"'outside-area' is defined twice"),
        ("processes.yaml", "processes:", "processes: [", r"processes\.yaml: "),
        ("reasons.yaml", "reasons:", "[a]: 1\nreasons:", r"found unhashable key"),
    ],
)
def test_a_broken_file_is_refused_with_a_sentence(tmp_path: Path, name: str, old: str, new: str, sentence: str) -> None:
    """File, entry, field, and what is wrong."""
    with pytest.raises(CatalogueError, match=sentence):
        load(broken(tmp_path, name, old, new))


def test_one_id_with_two_contents_is_refused(tmp_path: Path) -> None:
    """The same content twice is no harm; another content needs another version."""
    folder = broken(tmp_path, "reasons.yaml", "reasons:", "reasons:")
    (folder / "zz.yaml").write_text((folder / "services.yaml").read_text("utf-8"), "utf-8")
    assert load(folder).services == SHIPPED.services
    (folder / "zz.yaml").write_text(
        (folder / "zz.yaml").read_text("utf-8").replace("amount: 3", "amount: 2", 1), "utf-8"
    )
    with pytest.raises(CatalogueError, match="LV-RES-URBAN@2017-07-01 is defined twice with different contents"):
        load(folder)


@pytest.mark.parametrize(
    "section", ["calendars", "services", "processes", "checklists", "reasons", "periods", "indicators"]
)
def test_a_second_content_is_told_by_file_and_section(section: str) -> None:
    """Whatever kind of entry it is; the first file stands."""
    one = next(iter(getattr(SHIPPED, section).values()))
    change: Any = {"processes": {"steps": ()}, "reasons": {"uses": ()}}.get(section, {"basis": "somebody said so"})
    other = one.model_copy(update=change)
    (key,) = (key for key, entry in getattr(SHIPPED, section).items() if entry is one)
    named = section in ("processes", "checklists", "reasons")
    sections: Any = [{section: {key: entry} if named else (entry,)} for entry in (one, other)]
    files = [CatalogueFile.model_construct(**content) for content in sections]
    with pytest.raises(TwoContents, match=rf"^b\.yaml: {section}: {key} is defined twice with different contents"):
        Catalogue(dict(zip(("a.yaml", "b.yaml"), files, strict=True)))


def test_thresholds_of_all_files_hold_while_they_are_in_force() -> None:
    """One file each; a date before the first has none."""
    first, *_ = SHIPPED.thresholds
    other = first.model_copy(update={"why": "another"})
    both = Catalogue({"a": CatalogueFile(thresholds=(first,)), "b": CatalogueFile(thresholds=(other,))})
    assert both.thresholds_on(first.since) == [first, other]
    assert both.thresholds_on(first.since - timedelta(days=1)) == []


def test_two_versions_of_one_thing_on_one_day_are_told_by_their_place() -> None:
    """Versions of a unit, thresholds of one reason."""
    threshold, *_ = SHIPPED.thresholds
    unit = SHIPPED.unit("PC-QN").model_copy(update={"parent": None, "district": None})
    later = {"since": date(2018, 1, 1)}
    broken: Any = {
        r"^units\.yaml: PC-QN: two versions are in force on 2018-01-01": {
            "units": (unit.model_copy(update=later), unit)
        },
        r"^record\.yaml: thresholds: overdue-share: two versions are in force on 2018-01-01": {
            "thresholds": (threshold, threshold.model_copy(update=later))
        },
    }
    for sentence, content in broken.items():
        with pytest.raises(Overlapping, match=sentence):
            Catalogue({"x.yaml": CatalogueFile.model_construct(**content)})


def test_versions_of_a_unit_may_come_in_any_order_and_name_a_known_calendar() -> None:
    """The latest is the one that begins last; a calendar that no file defines is refused."""
    alone = {"parent": None, "district": None, "calendar": None, "until": date(2018, 1, 1)}
    first = SHIPPED.unit("PC-QN").model_copy(update=alone)
    second = first.model_copy(update={"since": date(2018, 1, 1), "until": None})
    assert Catalogue({"x": CatalogueFile(units=(second, first))}).unit("PC-QN") is second
    lost = first.model_copy(update={"calendar": "VN-PAC@2099.1"})
    with pytest.raises(UnknownId, match=r"^units\.yaml: PC-QN: calendar: 'VN-PAC@2099\.1' is not defined"):
        Catalogue({"x": CatalogueFile(units=(lost,))})


def test_a_unit_works_by_its_own_calendar_or_by_that_of_the_nearest_above() -> None:
    """A team by its own, its district by the company's, a stranger by the first; units in a ring end at the first."""
    calendar = SHIPPED.calendars["VN-PAC@2017.1"]
    calendars = tuple(calendar.model_copy(update={"id": id}) for id in ("A-A@2017.1", "B-B@2017.1", "C-C@2017.1"))
    like = SHIPPED.unit("PC-QN").model_copy(update={"parent": None, "district": None, "calendar": None})
    told: Any = {
        "PC-QN": {"calendar": "B-B@2017.1"}, "DL-1": {"parent": "PC-QN"}, "KS-1": {"parent": "DL-1"},
        "TC-1": {"parent": "DL-1", "calendar": "C-C@2017.1"}, "X-1": {"parent": "X-2"}, "X-2": {"parent": "X-1"},
    }  # fmt: skip
    units = tuple(like.model_copy(update={"code": code, **change}) for code, change in told.items())
    known = Catalogue({"x": CatalogueFile(calendars=calendars, units=units)})
    asked = ("TC-1", "KS-1", "PC-QN", "NO-1", "X-1")
    assert [known.calendar_of(unit).id[0] for unit in asked] == ["C", "B", "B", "A", "A"]


def test_nothing_is_in_force_before_it_begins() -> None:
    """No unit had a version in 1990."""
    assert list(SHIPPED.units(on=date(1990, 1, 1))) == []


def test_a_limit_a_period_and_a_built_catalogue() -> None:
    """Short ways to what the entries say."""
    assert SHIPPED.limit("LV-RES-URBAN@2017-07-01").amount == 3
    name, period = next(iter(SHIPPED.periods.items()))
    assert SHIPPED.period(name) is period
    assert SHIPPED.build() is SHIPPED
    assert SHIPPED.calendar("VN-PAC@2017.1") is SHIPPED.calendar("VN-PAC@2017.1")


def test_an_era_that_ends_and_a_half_day_are_in_the_terms() -> None:
    """What is published of a calendar is all that working time is computed from."""
    morning = [{"opens": "07:00:00", "closes": "11:30:00"}]
    era = {"weekdays": [1, 2], "sessions": [["07:00", "11:30"]], "basis": "x"}
    entry = CalendarEntry.model_validate(
        {
            "id": "X-Y@2017.1", "country": "VN", "cutoff_at": "15:00", "basis": "x",
            "hours": [{"from": "2017-01-01", "to": "2017-11-01", **era}, {"from": "2017-11-01", **era}],
            "overrides": [{"date": "2017-07-10", "day": "half", "sessions": [["07:00", "11:30"]], "basis": "x"}],
        }
    )  # fmt: skip
    terms = entry.terms()
    assert [era.until for era in terms.hours] == ["2017-11-01", None]
    assert [{"opens": one.opens, "closes": one.closes} for one in terms.overrides[0].sessions] == morning
    assert CalendarEntry.of_terms(terms, "x") == entry


def test_a_calendar_is_built_from_its_entry() -> None:
    """An era ends the day before `to`, seconds count, a make-up day has ordinary hours, a day off a name."""
    era = {"from": "2017-01-01", "to": "2017-11-01", "weekdays": [1, 2, 3, 4, 5], "basis": "x"}
    calendar = CalendarEntry.model_validate(
        {
            "id": "X-Y@2017.1", "country": "VN", "cutoff_at": "15:00:30", "basis": "x",
            "hours": [era | {"sessions": [["07:00:10", "11:30:40"]]}],
            "overrides": [
                {"date": "2017-07-10", "day": "half", "sessions": [["07:00", "08:00"]], "basis": "half"},
                {"date": "2017-07-11", "day": "off", "basis": "12/CV"},
                {"date": "2017-07-15", "day": "make-up", "basis": "made good"},
            ],
        }
    ).build()  # fmt: skip
    assert (calendar.id, calendar.cutoff_at) == ("X-Y@2017.1", 15 * 3600 + 30)
    worked = {10: 3600, 11: 0, 12: 16_230, 15: 16_230, 16: 0}
    for day, seconds in worked.items():
        begins = midnight(day_on(date(2017, 7, day)))
        assert calendar.worked(begins, begins + 86_400) == seconds
    assert calendar.holiday(date(2017, 7, 11)) == "12/CV"
    assert calendar.is_working_day(date(2017, 10, 31))
    assert not calendar.is_working_day(date(2017, 11, 1))


def test_a_published_service_is_called_by_its_code() -> None:
    """Until a file names it."""
    service = Service.of_terms(SHIPPED.service("LV-POLE@2017-07-01").terms(), "1/QD")
    assert (service.name.vi, service.name.en) == ("LV-POLE", "LV-POLE")


def test_a_file_that_is_no_mapping_is_refused() -> None:
    """There is no field to name, so the file is."""
    with pytest.raises(CatalogueError, match=r"^x\.yaml: the file: "):
        CatalogueFile.of("x.yaml", ["a"])


def test_a_fingerprint_tells_an_edit(tmp_path: Path) -> None:
    """Every version has one; an edit changes that one alone."""
    edited = load(broken(tmp_path, "services.yaml", "amount: 3", "amount: 2")).fingerprints()
    shipped = SHIPPED.fingerprints()
    assert {key for key in shipped if shipped[key] != edited[key]} == {"LV-RES-URBAN@2017-07-01"}
    assert "VN-PAC@2017.1" in shipped


def test_a_key_said_twice_is_named_with_its_line(tmp_path: Path) -> None:
    """YAML would let the second win in silence."""
    place = tmp_path / "twice.yaml"
    place.write_text("reasons:\n  a: {vi: a, en: a, uses: []}\n  a: {vi: b, en: b, uses: []}\n", "utf-8")
    with pytest.raises(CatalogueError, match=r"^twice\.yaml: line 3: 'a' is defined twice$"):
        load_file(place)


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    """Rather than an empty catalogue."""
    with pytest.raises(CatalogueError, match="there is no"):
        load(tmp_path)


def test_an_empty_file_is_an_empty_part() -> None:
    """Nothing in it, nothing wrong."""
    assert Catalogue({"x.yaml": CatalogueFile.of("x.yaml", None)}).services == {}


@pytest.mark.parametrize(
    ("escalation", "names"),
    [
        ({"step": "half"}, "escalations.0.step"),
        ({"unit": "PC-XX"}, "processes.yaml: escalations: leader: unit"),
        ({"after_working_days": 0}, "escalations.0.after_working_days"),
    ],
)
def test_an_escalation_that_cannot_be_is_refused(escalation: dict[str, object], names: str) -> None:
    """A step called like a warning, an unknown unit, no time at all."""
    usual = {"step": "leader", "from": "2017-01-01", "after_working_days": 2, "unit": "PC-QN", "basis": "test"}
    with pytest.raises(CatalogueError, match=names):
        Catalogue({"processes.yaml": CatalogueFile.of("processes.yaml", {"escalations": [{**usual, **escalation}]})})


def test_escalations_of_two_files_stand_together_unless_they_overlap() -> None:
    """Two steps of two files; one step twice at one time names itself."""
    first = {"step": "leader", "from": "2017-01-01", "after_working_days": 2, "unit": "PC-QN", "basis": "test"}
    unit = {"code": "PC-QN", "kind": "organisation", "name": {"vi": "x", "en": "x"}, "from": "2017-01-01", "basis": "x"}
    units = {"units": [unit]}

    def both(other: dict[str, object]) -> Catalogue:
        files = {"a.yaml": {"escalations": [first]}, "b.yaml": {"escalations": [{**first, **other}]}, "u.yaml": units}
        return Catalogue({name: CatalogueFile.of(name, file) for name, file in files.items()})

    assert [one.step for one in both({"step": "province"}).escalations] == ["leader", "province"]
    with pytest.raises(CatalogueError, match="escalations: leader"):
        both({"from": "2017-03-01"})
