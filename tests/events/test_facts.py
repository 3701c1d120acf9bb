"""The catalogue: every fact reads back as it was written, by both readers, and none can hold a sentence."""

import dataclasses
import json
import string
import types
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import annotated_types
import pytest
from contracts.given import case_id, received
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from events.contracts import CATALOGUE, catalogue, name_of, read, upcasts, write
from events.contracts.catalogue import fact
from events.contracts.terms import CaseId, Promise, Whole, Word
from events.errors import UnknownType, Unreadable

ASCII = st.characters(codec="ascii")
# In any zone, but for the first and last days that a calendar has: in UTC they may lie outside it.
INSTANTS = st.datetimes(timezones=st.timezones()).filter(lambda instant: 2 < instant.year < 9998)
SENTENCES = (
    "Nguyễn Văn An",
    "Nguyen Van An",
    "so 12, ngo 5, Ha Long",
    "an@vi du.vn",
    "khách hàng không có nhà",
    "0912 345 678",
    "đường",
    "line\nbreak",
    "1\n",
    "Nguyễn@1",
    "H49-١٧٠٧١٠-٠٠٠١",
)


def _values(of: Any, limits: tuple[Any, ...] = ()) -> st.SearchStrategy[Any]:
    """What a field of this type may hold."""
    origin, args = get_origin(of), get_args(of)
    if origin is Annotated:
        return _values(args[0], args[1:])
    if origin is Literal:
        return st.sampled_from(args)
    if origin in (Union, types.UnionType):
        return st.one_of([_values(one) for one in args])
    if origin is tuple:
        return st.lists(_values(args[0]), max_size=3).map(tuple)
    if of is Promise:
        return st.one_of([_promises(way) for way in ("service", "due", "working_days")])
    if dataclasses.is_dataclass(of):
        return _facts(of)
    known = [one for limit in limits for one in (limit.metadata if isinstance(limit, FieldInfo) else [limit])]
    if of is str:
        pattern = next(one.pattern for one in known if hasattr(one, "pattern"))
        longest = next(one.max_length for one in known if isinstance(one, annotated_types.MaxLen))
        return st.from_regex(pattern.replace("$", r"\Z"), alphabet=ASCII).filter(lambda text: len(text) <= longest)
    if of is int:
        whole = next(one for one in known if isinstance(one, Whole))
        return st.integers(whole.least, whole.most)
    return {bool: st.booleans(), datetime: INSTANTS, type(None): st.none()}[of]


def _facts(cls: Any) -> st.SearchStrategy[Any]:
    hints = get_type_hints(cls, include_extras=True)
    return st.builds(cls, **{one.name: _values(hints[one.name]) for one in dataclasses.fields(cls)})


def _promises(way: str) -> st.SearchStrategy[Promise]:
    hints = get_type_hints(Promise, include_extras=True)
    return st.builds(
        Promise, **{name: _values(hint) for name, hint in hints.items() if name in ("calendar", "clock_policy")},
        **{way: _values(hints[way]).filter(lambda value: value is not None)},
    )  # fmt: skip


FACTS = st.sampled_from(list(CATALOGUE.values())).flatmap(lambda entry: _facts(entry.cls))


@given(FACTS)
def test_a_fact_reads_back_as_it_was_written_by_both_readers(said: Any) -> None:
    """What is appended comes out equal, from our own log and from a stranger's hands."""
    name, schema = name_of(said)
    assert read(name, schema, write(said), trusted=True) == said == read(name, schema, write(said), trusted=False)


def _texts(of: Any) -> Iterator[Any]:
    """Every place for a string in a type, down to the values inside."""
    origin = get_origin(of)
    if (origin is Annotated and get_args(of)[0] is str) or of is str:
        yield of
    elif origin is not Literal:
        for one in get_args(of)[: 1 if origin is Annotated else None]:
            yield from _texts(one)
        if dataclasses.is_dataclass(of):
            for hint in get_type_hints(of, include_extras=True).values():
                yield from _texts(hint)


@pytest.mark.parametrize("name", CATALOGUE)
def test_no_field_of_a_fact_holds_a_sentence(name: str) -> None:
    """Names, addresses and remarks have a space, an accent or a line break; no field lets one through."""
    for text in _texts(CATALOGUE[name].cls):
        checked = TypeAdapter(text)
        for sentence in SENTENCES:
            with pytest.raises(ValidationError):
                checked.validate_python(sentence)
        with pytest.raises(ValidationError):
            checked.validate_python("a-" * 101)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_fact_has_only_fields_that_the_walk_knows(name: str) -> None:
    """A dict, a plain string or Any would slip past the patterns."""
    plain = {str, int, bool, datetime, type(None)}

    def leaves(of: Any) -> Iterator[Any]:
        if get_origin(of) is Literal:
            return
        if dataclasses.is_dataclass(of):
            for hint in get_type_hints(of, include_extras=True).values():
                yield from leaves(hint)
        elif get_origin(of) is Annotated:
            yield from leaves(get_args(of)[0])
        elif get_args(of):
            for one in get_args(of):
                if one is not Ellipsis:
                    yield from leaves(one)
        else:
            yield of

    assert set(leaves(CATALOGUE[name].cls)) <= plain


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+07:00", "9999-12-31T23:59:59-07:00"])
def test_an_instant_outside_the_calendar_in_utc_is_unreadable_not_a_crash(instant: str) -> None:
    """It is a well-formed text that no instant of ours can hold."""
    data = json.loads(write(received())) | {"appointment": instant}
    with pytest.raises(Unreadable, match="appointment"):
        read("ApplicationReceived", 1, json.dumps(data).encode(), trusted=False)


def test_unknown_fields_are_kept_in_the_data_and_do_no_harm() -> None:
    """A newer speaker may add optional fields; an older reader takes what it knows."""
    data = json.loads(write(received())) | {"tomorrow": {"deep": [1]}}
    for trusted in (True, False):
        assert read("ApplicationReceived", 1, json.dumps(data).encode(), trusted=trusted) == received()


@pytest.mark.parametrize(("name", "schema"), [("NeverHeardOf", 1), ("CaseClosed", 2)])
def test_an_unknown_name_or_a_newer_schema_is_unknown_not_unreadable(name: str, schema: int) -> None:
    """It is kept and blocks nothing, so it must not look like damage."""
    with pytest.raises(UnknownType, match=name):
        read(name, schema, b"{}", trusted=True)


BROKEN = {
    "case_id": {"case_id": 7, "stars": 5},
    "stars": {"case_id": case_id(), "stars": "five"},
}


@pytest.mark.parametrize("field", BROKEN)
@pytest.mark.parametrize("trusted", [True, False])
def test_broken_data_is_unreadable_and_the_field_is_named(field: str, trusted: bool) -> None:
    """Whoever mends it must know where to look."""
    with pytest.raises(Unreadable, match=field):
        read("CustomerRated", 1, json.dumps(BROKEN[field]).encode(), trusted=trusted)


def test_the_strict_reader_names_a_value_that_breaks_its_pattern() -> None:
    """The patterns stand where bytes come from others."""
    with pytest.raises(Unreadable, match=r"data\.case_id"):
        read("CaseClosed", 1, b'{"case_id": "Nguyen Van An"}', trusted=False)


DEEP = st.integers(1, 100_000).map(lambda depth: b'{"newer":' + b"[" * depth + b"]" * depth + b"}")


@given(st.binary() | st.text(string.printable).map(str.encode) | DEEP)
@example(b'{"case_id":"\xff"}')
@example(b'{"case_id":"\\ud800"}')
def test_bytes_of_any_kind_are_read_or_unreadable(data: bytes) -> None:
    """No bytes make the readers raise anything else."""
    for trusted in (True, False):
        try:
            read("ApplicationReceived", 1, data, trusted=trusted)
        except Unreadable:
            continue


@pytest.fixture
def third_edition(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Any]:
    """A fact that is at its third schema, with one step from each older one."""

    def renamed(old: dict[str, Any]) -> dict[str, Any]:
        return {"case_id": old["case"], "colour": old["colour"]}

    def in_lower_case(old: dict[str, Any]) -> dict[str, Any]:
        return {**old, "colour": old["colour"].lower()}

    monkeypatch.setattr(catalogue, "CATALOGUE", dict(CATALOGUE))
    steps = {("Painted", 1): renamed, ("Painted", 2): in_lower_case}
    monkeypatch.setattr(catalogue, "UPCASTS", {**upcasts.UPCASTS, **steps})

    @fact(schema=3)
    class Painted:
        """A wall got its colour."""

        case_id: CaseId
        colour: Word

    return {"made": Painted(case_id=case_id(), colour="red")}


@pytest.mark.parametrize(
    ("schema", "old"),
    [
        (1, {"case": case_id(), "colour": "RED"}),
        (2, {"case_id": case_id(), "colour": "Red"}),
        (3, {"case_id": case_id(), "colour": "red"}),
    ],
)
@pytest.mark.parametrize("trusted", [True, False])
def test_an_old_schema_is_brought_up_step_by_step(
    third_edition: Mapping[str, Any], schema: int, old: Mapping[str, str], trusted: bool
) -> None:
    """Every edition ever written reads as today's fact."""
    assert read("Painted", schema, json.dumps(old).encode(), trusted=trusted) == third_edition["made"]


@pytest.mark.parametrize("data", [b"[]", b"7", b"{}", b'{"case": 7, "colour": 7}', b"null", b"\xff", b'"'])
@pytest.mark.usefixtures("third_edition")
def test_broken_data_of_an_old_schema_is_unreadable(data: bytes) -> None:
    """A step may fail in any way on data that breaks its contract; the record is parked, not the reader."""
    with pytest.raises(Unreadable, match="Painted v1"):
        read("Painted", 1, data, trusted=True)


def test_an_instant_comes_in_with_its_offset_and_is_kept_in_utc() -> None:
    """A time without an offset could be anybody's; the strict reader refuses it."""
    entry = TypeAdapter(Promise)
    told = {"calendar": "VN-PAC@2017.1", "clock_policy": "PAUSE", "due": "2017-07-10T09:00:00+07:00"}
    assert entry.validate_python(told).due == datetime(2017, 7, 10, 2, tzinfo=UTC)
    with pytest.raises(ValidationError, match="offset"):
        entry.validate_python({**told, "due": "2017-07-10T09:00:00"})
