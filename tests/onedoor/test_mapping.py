"""The mapping file: what is wrong in it is named by file, key and way out, before a row is read."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from exported import ANSWER, RECEIVED, whole

from events.errors import OnedoorError
from onedoor.importing import mapping


def fact(**more: Any) -> dict[str, Any]:
    return whole(facts=[{**RECEIVED, **more}])


def cell(**more: Any) -> dict[str, Any]:
    return fact(data={**RECEIVED["data"], "channel": {"column": "Kênh", **more}})


WRONG: list[tuple[Any, str]] = [
    (None, "a mapping has the keys source, case and facts"),
    ({"source": "urn:test"}, "case: it is missing"),
    (whole(colour="red"), "colour: there is no such key"),
    (fact(fact="ApplicationRecieved"), "facts.0: ApplicationRecieved is no fact .*; perhaps ApplicationReceived"),
    (fact(fact="VerdictReached"), "facts.0: VerdictReached is no fact that another system may say"),
    (fact(data={}), "facts.0: ApplicationReceived needs data.channel, data.counter, .*: a column or a constant"),
    (fact(data={**RECEIVED["data"], "distrct": "SXD"}), "facts.0: data.distrct: .* perhaps district"),
    (fact(data={**RECEIVED["data"], "case_id": "1"}), "facts.0: data.case_id: it is made from `case`"),
    (cell(values={}, number=True), "facts.0.data: channel: one of values, pattern, format, time, day and number"),
    (cell(pattern="("), r"facts.0.data: channel: pattern: '\(' is no regular expression"),
    (cell(pattern="a"), "facts.0.data: channel: pattern and code go together"),
    (cell(pattern="(a)", code="{2}"), "facts.0.data: channel: code names group 2, and pattern has 1"),
    (cell(colum="x"), "facts.0.data: channel: colum: there is no such key"),
    (cell(number={"decimal": ",", "thousands": ","}), "facts.0.data: channel: number: .* one sign for both"),
    (cell(number={"decimal": ";"}), "facts.0.data: channel: number.*: .*'.' or ','"),
    (cell(format="%H:%M"), "facts.0.data: channel: '%H:%M' says no day; .* column: "),
    (cell(format="%d/%m %H:%M"), "facts.0.data: channel: '%d/%m %H:%M' says no year"),
    (cell(format="%d/%m/%Y"), "facts.0.data: channel: '%d/%m/%Y' says no hour; .* `day: true`"),
    (cell(format="%d/%m/%Y %H:%M %p"), "facts.0.data: channel: '%d/%m/%Y %H:%M %p': %p goes with %I"),
    (cell(format="%d/%m/%Y %H:%M %Z"), "facts.0.data: channel: .* %Z, a zone's name, .*`zone: .*%z"),
    (cell(format="%d/%m/%Y %I:%M"), "facts.0.data: channel: '%d/%m/%Y %I:%M': %I, .* %p .* %H"),
    (cell(format="%d/%Y %H:%M"), "facts.0.data: channel: '%d/%Y %H:%M' says no whole day; .* %d/%m/%Y"),
    (cell(format="%A %Y %H:%M"), "facts.0.data: channel: '%A %Y %H:%M' says no whole day"),
    (cell(format="%-d/%m/%Y %d %H:%M"), "facts.0.data: channel: '%-d/%m/%Y %d %H:%M' is no format of strptime: .* %d"),
    (cell(day=True), "calendar: .* facts.0.data.channel "),
    (whole(calendar="VN-PAC@2017.1", time={"column": "Lúc", "day": True, "time": True}), "time: one of"),
    (whole(zone="Asia/Halong"), "zone: 'Asia/Halong' is no time zone; write its offset, as in"),
    (whole(table={"encoding": "utf-9"}), "table: encoding: 'utf-9' is unknown"),
    (whole(activity=None), "facts.0.activity: say first which column has it"),
    (fact(activity=None), "facts.0: there is a column of activities; say which `activity`"),
    (whole(time=None), "facts.0: say when it happened, by `time`"),
    (whole(facts=[RECEIVED, ANSWER]), "facts.1.answers: no fact of this mapping is a SupplementRequested"),
    (whole(facts=[{**ANSWER, "answers": None}]), "facts.0: SupplementReceived needs answers"),
    (whole(facts=[{**ANSWER, "answers": "x@1"}]), "facts.0: answers: x@1 is no fact; name the one"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "sentence"), WRONG)
def test_what_is_wrong_is_named(content: Any, sentence: str) -> None:
    with pytest.raises(OnedoorError, match=f"^m.yaml: {sentence}"):
        mapping.of("m.yaml", content)


def test_a_mapping_says_which_columns_it_reads() -> None:
    read = mapping.of("m.yaml", cell(values={"Trực tiếp": "counter"}))
    assert set(read.columns.values()) == {"Số", "Lúc", "Việc", "Kênh"}
    assert read.columns["facts.0.data.channel.column"] == "Kênh"


def test_a_key_that_is_written_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(yaml.dump(whole()) + "source: urn:other\n")
    with pytest.raises(OnedoorError, match=r"m\.yaml: line \d+: 'source' is defined twice"):
        mapping.load(path)
