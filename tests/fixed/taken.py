"""What stands in the files beside the log: the hash of each case and its rows, as they were last taken; and how the
cases of today differ from them."""

import gzip
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from gzip import GzipFile
from typing import Any, Final, NamedTuple

from fixed.fingerprint import Row, folded
from fixed.log import HERE, PARTS, Case

HASHES: Final = HERE / "hashes.tsv.gz"
ROWS: Final = HERE / "rows.jsonl.gz"
FOLDED: Final = HERE / "folded.tsv"
KEYS: Final = {
    "cycles": ("cycle",),
    "stays": ("cycle", "stay"),
    "referrals": ("referral",),
    "charges": ("cycle", "unit"),
}


class Change(NamedTuple):
    """A column that differs. Of a row that is new or gone the other side is the text `no row`."""

    table: str
    key: str
    column: str
    before: str
    after: str


def hashes(cases: Iterable[Case]) -> str:
    """A line for each case: its id, its hash, and whether our services alone said it."""
    return "".join(f"{one.case_id}\t{one.hash}\t{one.told}\n" for one in cases)


def sums(cases: Sequence[Case]) -> str:
    """For each part and for all: how many cases, of them foreign, how many rows, and the hash over all of them."""
    counted = {name: [one for one in cases if one.part == name] for name in PARTS} | {"all": cases}
    told = ["part\tcases\tforeign\trows\thash\n"]
    for name, own in counted.items():
        foreign, rows = sum(not one.own for one in own), sum(len(one.rows) for one in own)
        told.append(f"{name}\t{len(own)}\t{foreign}\t{rows}\t{folded(one.hash for one in own)}\n")
    return "".join(told)


def write(cases: Sequence[Case]) -> None:
    """Take them anew."""
    FOLDED.write_text(sums(cases))
    _pack(HASHES, hashes(cases))
    lines = (f'{{"table": "{row.table}", "row": {row.text}}}\n' for one in cases for row in one.rows)
    _pack(ROWS, "".join(lines))


def known_hashes() -> str:
    return gzip.decompress(HASHES.read_bytes()).decode()


def differing(cases: Iterable[Case]) -> Iterator[tuple[Case, list[Change]]]:
    """The cases whose rows are not those that were taken, with the columns in which they differ."""
    known: defaultdict[str, list[Row]] = defaultdict(list)
    for line in io.StringIO(gzip.decompress(ROWS.read_bytes()).decode()):
        table, case_id = (told := json.loads(line))["table"], told["row"]["case_id"]
        known[case_id].append(Row(table, line.partition('"row": ')[2].removesuffix("}\n")))
    for case in cases:
        if known[case.case_id] != case.rows:
            yield case, list(changes(known[case.case_id], case.rows))


def changes(before: Iterable[Row], after: Iterable[Row]) -> Iterator[Change]:
    """How the rows of one case differ, row by row."""
    was, now = _by_key(before), _by_key(after)
    for table, key in dict.fromkeys((*was, *now)):
        old, new = was.get((table, key)), now.get((table, key))
        if old is None or new is None:
            yield Change(table, key, "", _shown(old), _shown(new))
            continue
        for column in dict.fromkeys((*old, *new)):
            if old.get(column) != new.get(column) or (column in old) != (column in new):
                yield Change(table, key, column, _shown(old.get(column)), _shown(new.get(column)))


def _by_key(rows: Iterable[Row]) -> dict[tuple[str, str], dict[str, Any]]:
    found = {}
    for row in rows:
        columns = json.loads(row.text)
        found[row.table, " ".join(str(columns[name]) for name in KEYS[row.table])] = columns
    return found


def _shown(value: Any) -> str:
    return "no row" if value is None else json.dumps(value, ensure_ascii=False)


def _pack(path: Any, text: str) -> None:
    with path.open("wb") as file, GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.encode())
