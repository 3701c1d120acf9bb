"""A fact as one line: what a person at a terminal reads, and that nothing in it is acted upon."""

from datetime import timedelta

import msgspec
import pytest
from oracle.telling import CASE, Story, local

from events.errors import OnedoorError
from events.store.envelope import RecordedEvent
from events.text_safety import printable
from onedoor.instants import instant, until_end_of
from onedoor.lines import broken, line
from onedoor.verbs.events import speaker_of


def fact() -> RecordedEvent:
    story = Story()
    story.received(local(7, 10, 8))
    return story.facts[0]


def test_a_line_says_when_what_who_which_and_the_fields_that_are_there() -> None:
    """Local time; no field that is null, and not the dossier's code a second time."""
    assert line(fact()).plain == (
        f"10/07/2017 08:00:00  ApplicationReceived   staff-193-02  case-{CASE}@1"
        "  counter=PAC-193 organisation=PC-QN sector=electricity district=DL-193 channel=counter"
    )


def test_when_it_was_recorded_is_said_only_where_it_was_later() -> None:
    told = msgspec.structs.replace(fact(), recorded_at=local(7, 12, 9, 30))
    assert line(told).plain.endswith("[recorded 12/07/2017 09:30:00]")
    at_once = msgspec.structs.replace(fact(), recorded_at=fact().at + timedelta(milliseconds=900))
    assert "recorded" not in line(at_once).plain


def test_what_became_of_a_fact_is_marked() -> None:
    """In words: colours are on a terminal only."""
    assert line(fact(), {"voided_by": "case-1@7"}).plain.endswith("[VOIDED by case-1@7]")
    change = {"field": "agency", "was": "", "now": "QN-SGTVT", "by": "case-1@8"}
    assert line(fact(), {"corrected": [change]}).plain.endswith("[CORRECTED agency: nothing → QN-SGTVT by case-1@8]")
    assert line(fact(), {"idle": "voided-before"}).plain.endswith("[WITHOUT EFFECT: voided-before]")


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b'{"a":"two words","b":"","c":["x","y"],"d":{"n":1},"e":null,"f":0}', 'a="two words" c=x,y d={"n":1} f=0'),
        (b'{"reason":"\\u001b[2Jgone\\r\\n"}', 'reason="\\u001b[2Jgone\\r\\n"'),
        (b'{"\\u001b]0;":{"deep":"\\u009b"}}', '\\u001b]0;={"deep":"\\u009b"}'),
        (b"[1,2]", "data=1,2"),
        (b'"word"', "data=word"),
        (b'{"half":"\\ud800"}', 'data={"half":"\\\\ud800"}'),
        (b"[" * 5000 + b"]" * 5000, "data=" + "[" * 120),
    ],
)
def test_fields_are_short_and_harmless(data: bytes, shown: str) -> None:
    """Whatever a fact of a type unknown here holds."""
    told = line(msgspec.structs.replace(fact(), data=data)).plain
    assert told.endswith(f"@1  {shown}")
    assert told.isprintable()


def test_a_record_that_cannot_be_read_is_shown_with_its_place_and_beginning() -> None:
    shown = broken("intake.events/3/17", b"\x1b[2J" + b"x" * 200, "not a CloudEvent of ours: \x07").plain
    assert shown.startswith("intake.events/3/17  CANNOT BE READ: not a CloudEvent of ours: \\u0007: \\x1b[2Jxxx")
    assert shown.endswith("… (204 bytes)")
    assert shown.isprintable()
    assert broken("t/0/0", None, "empty").plain == "t/0/0  CANNOT BE READ: empty: "


def test_safe_keeps_what_is_readable() -> None:
    assert printable("Hạ Long") == "Hạ Long"
    assert printable("a\tb") == "a\\tb"
    assert printable("Hạ\ufeff Long\u00a0") == "Hạ\\ufeff Long\\u00a0"  # and nothing of what can be seen


def test_since_takes_a_day_or_an_instant() -> None:
    """Local where there is no offset."""
    assert instant("2017-07-20") == local(7, 20)
    assert instant("2017-07-20T09:30") == local(7, 20, 9, 30)
    assert until_end_of("2017-07-20") == local(7, 21) - timedelta(microseconds=1)
    assert instant("2017-07-20T02:30:00Z") == local(7, 20, 9, 30)
    assert instant("2017-07-20 09:30:00") == local(7, 20, 9, 30)
    assert instant("2017-07-20T09:29:59.9999999+07:00") == local(7, 20, 9, 30) - timedelta(microseconds=1)
    for wrong in (
        "yesterday",
        "2017-7-20",
        "2017-02-30",
        "2017-W29-4",
        "20170720",
        "2017-07-20T09:30:60",
        "1500514200",
    ):
        with pytest.raises(OnedoorError, match="no day"):
            instant(wrong)


def test_the_rules_are_said_by_sla() -> None:
    assert [speaker_of(topic) for topic in ("intake.events", "rules.events")] == ["intake", "sla"]
