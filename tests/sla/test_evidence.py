"""What outsiders get holds as it is, and names the place of whatever was changed in it. No system runs here."""

import ast
import hashlib
import json
import subprocess
import sys
import zipfile
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from handed_out import RULES, checked, edited, files, rows_of
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.swapped import NEWER, URBAN, services, swapped
from oracle.telling import Story, local, promise

from deadlines.published import joined
from events.contracts import name_of, write
from events.contracts.rules import CalendarPublished, CataloguePublished
from events.signing import canonical, public
from events.store.envelope import Cause, RecordedEvent
from onedoor import verifier
from sla.evidence.proofs import line_of
from sla.judging.case_rules import Rules, with_published

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
CASE = "000.00.02.H49-170710-0001"
FACTS, DOSSIER = f"dossiers/{CASE}.ndjson", f"dossiers/{CASE}.json"
TEXTS = st.text('aZ"\\\n\x1f\x7f/é𝄞ệ', max_size=6)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=4),
)


def story(number: int = 1) -> Story:
    """A household's dossier with a supplement, a correction and a reopening: five facts of case, three of route."""
    it = Story(f"000.00.02.H49-170710-{number:04d}")
    it.received(local(7, 10, 9), promise("LV-RES-URBAN@2017-07-01", "RESTART"))
    sent = it.forwarded(local(7, 10, 10), "DL-193")
    asked = it.supplement(local(7, 11, 10))
    it.supplemented(local(7, 12, 15), asked)
    it.corrected(local(7, 13, 8), sent, "at", local(7, 10, 11))
    it.returned(local(7, 18, 9))
    it.closed(local(7, 18, 16))
    it.reopened(local(7, 19, 9))
    return it


WHOLE = files([story()], KEY)
UNSIGNED = files([story()])
LINES = WHOLE[FACTS].decode().splitlines(keepends=True)


def with_lines(lines: list[str], made: Any = WHOLE) -> Any:
    return {**made, FACTS: "".join(lines).encode()}


def verdict(made: Any) -> Any:
    return json.loads(made[DOSSIER])["signed"]["document"]["verdict"]


# -- as it is ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [KEY, None])
def test_what_was_not_changed_is_found_unchanged(key: Ed25519PrivateKey | None) -> None:
    """Two dossiers of a month, signed or not; everything in them is sealed."""
    it = checked(files([story(1), story(2)], key, month="2017-07"), *([public(key)] if key else []))
    assert (it.wrong, it.notes, it.unsealed) == ([], [], 0)
    assert (it.facts, len(it.seals), it.scope) == (16, 6, "all dossiers that count in 2017-07")
    assert it.signers == ({public(KEY)} if key else set())


def test_what_is_younger_than_the_last_seal_is_said_to_be_so() -> None:
    it = checked(files([story()], KEY, sealed_days=2), public(KEY))
    assert (it.wrong, it.unsealed, len(it.seals)) == ([], 5, 2)


def test_another_key_is_not_the_one_that_was_given() -> None:
    it = checked(WHOLE, public(OTHER))
    assert f"seals.json: seal 1 of 2017-07-10: signed by {public(KEY)}, which is not the key that was given" in it.wrong
    assert any(wrong.startswith(DOSSIER) for wrong in it.wrong)


def test_rules_that_were_published_and_stand_for_older_ones_are_applied() -> None:
    """The day is off, the due moves; what stands for what follows from the published facts themselves."""
    ended = replace(URBAN, until=NEWER.since)
    facts = published(swapped(), services(ended, NEWER, policy="as-revised"))
    catalogue = joined(RULES.catalogue, [one.fact for one in facts])
    rules = with_published(catalogue, facts, len(facts))
    made = files([story()], KEY, rules, published=facts)
    assert verdict(made)[0]["due_at"] != verdict(WHOLE)[0]["due_at"]
    assert checked(made, public(KEY)).wrong == []
    unpublished = edited(made, "rules.json", lambda it: it["signed"]["document"].update(revised={}))
    assert "rules.json, revised: is not what the published facts say" in checked(unpublished).wrong
    other = files([story()], None, Rules(catalogue), published=facts)
    assert "rules.json, revised: is not what the published facts say" in checked(other).wrong


def published(*facts: CalendarPublished | CataloguePublished) -> list[RecordedEvent]:
    return [
        RecordedEvent(
            stream="rules-published", version=number, subject="rules-published", type=name_of(fact)[0], schema=1,
            fact=fact, data=write(fact), at=local(7, 1), recorded_at=local(7, 1), hash=b"",
            cause=Cause(correlation="c", causation="c", actor="staff-22-01"),
        )
        for number, fact in enumerate(facts, 1)
    ]  # fmt: skip


# -- changed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [WHOLE, UNSIGNED])
def test_any_flipped_byte_of_a_fact_is_found_at_that_fact(made: Any) -> None:
    """Every byte of one fact, one after the other."""
    first = len("".join(LINES[:1]))
    for place in range(first, first + len(LINES[1]), 1 if made is UNSIGNED else 25):
        text = bytearray(made[FACTS])
        text[place] ^= 1
        wrong = checked({**made, FACTS: bytes(text)}).wrong
        named = (f"{FACTS}, case-{CASE}@2:", f"{FACTS}, line 2:", f"{FACTS}, case-{CASE}@3:")
        assert wrong, (place, text)
        assert any(one.startswith(named) for one in wrong), (place, wrong)


@pytest.mark.parametrize("made", [WHOLE, UNSIGNED])
@pytest.mark.parametrize("number", range(len(LINES)))
def test_a_dropped_fact_is_named(made: Any, number: int) -> None:
    """In the middle by the gap, at the end of a stream by the head that is stated, and both by the seal."""
    id = json.loads(LINES[number])["id"]
    wrong = checked(with_lines(LINES[:number] + LINES[number + 1 :], made)).wrong
    assert any(id in one for one in wrong), wrong
    assert wrong[0].startswith(FACTS)


@pytest.mark.parametrize("made", [WHOLE, UNSIGNED])
@pytest.mark.parametrize("number", range(len(LINES) - 1))
def test_a_swapped_pair_is_named(made: Any, number: int) -> None:
    """Of one stream, and of two."""
    swap = [*LINES[:number], LINES[number + 1], LINES[number], *LINES[number + 2 :]]
    first, second = (json.loads(LINES[number + one])["id"] for one in (0, 1))
    wrong = checked(with_lines(swap, made)).wrong
    assert wrong[0].startswith((f"{FACTS}, {first}: stands", f"{FACTS}, {second}: stands")), wrong


EDITS: list[tuple[str, Any]] = [
    ("by_date", "overdue"), ("by_session", None), ("by_766", "on-time"), ("due_at", "2017-07-18T10:00:00Z"),
    ("released_at", "2017-07-17T02:00:00Z"), ("utility_seconds", 0), ("customer_seconds", 1), ("agency_seconds", 1),
    ("not_counted_seconds", 1), ("delay_seconds", 7), ("outcome", "closed"), ("determined", False),
    ("received_at", "yesterday"), ("supplements", 2), ("closed_at", None),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), EDITS)
@pytest.mark.parametrize("made", [WHOLE, UNSIGNED])
def test_an_edited_verdict_is_named_by_its_field(made: Any, field: str, value: Any) -> None:
    def change(it: Any) -> None:
        cycle = it["signed"]["document"]["verdict"][0]
        cycle[field] = "ahead" if cycle[field] == value else value

    wrong = checked(edited(made, DOSSIER, change)).wrong
    assert any(one.startswith(f"{DOSSIER}, cycle 1, {field}: ") for one in wrong), wrong
    assert any("was changed after it was signed" in one for one in wrong) == (made is WHOLE)


def test_a_verdict_that_is_left_out_is_missed() -> None:
    def change(it: Any) -> None:
        del it["signed"]["document"]["verdict"][1]

    assert (
        f"{DOSSIER}: 2 cycles follow from the facts, 1 stand here" in checked(edited(UNSIGNED, DOSSIER, change)).wrong
    )


def test_an_edited_rule_is_named() -> None:
    def change(it: Any) -> None:
        it["signed"]["document"]["services"]["LV-RES-URBAN@2017-07-01"]["limit"]["amount"] = 9

    for made in (WHOLE, UNSIGNED):
        wrong = checked(edited(made, "rules.json", change)).wrong
        assert "rules.json, LV-RES-URBAN@2017-07-01: its terms are not those of its digest" in wrong
        assert f"{DOSSIER}: is of another dossier, or was judged by other rules than those of rules.json" in wrong


def test_a_published_rule_that_was_edited_with_its_digest_is_named() -> None:
    facts = published(swapped())
    made = files([story()], None, with_published(joined(RULES.catalogue, [facts[0].fact]), facts, 1), published=facts)

    def change(it: Any) -> None:
        document = it["signed"]["document"]
        terms = document["calendars"]["VN-PAC@2017.2"]
        terms["cutoff_at"] = "16:00:00"
        document["digests"]["VN-PAC@2017.2"] = hashlib.sha256(canonical(terms)).hexdigest()

    wrong = checked(edited(made, "rules.json", change)).wrong
    assert "rules.json, VN-PAC@2017.2: is not what rules-published@1 published" in wrong


def test_a_history_that_was_made_anew_leads_to_no_root() -> None:
    """Another release, every hash and the verdict with it: the seals that were published then know better."""
    other = story()
    other.facts[5] = msgspec.structs.replace(other.facts[5], at=local(7, 14, 9))
    forged = files([other]) | {"seals.json": UNSIGNED["seals.json"]}
    wrong = checked(forged).wrong
    said = "in seal 5: does not lead to the root of 2017-07-18: fact, proof or seal was changed"
    assert wrong == [f"{DOSSIER}, proof of {id} {said}" for id in (f"case-{CASE}@4", f"route-{CASE}@3")]


def test_a_fact_that_was_slipped_in_at_the_end_is_named() -> None:
    """Its hash is right, for whoever has the facts can make one; but the stated head is another."""
    longer = story()
    longer.rated(local(7, 20, 9), 5)
    added = files([longer])[FACTS]
    wrong = checked({**UNSIGNED, FACTS: added}).wrong
    assert wrong[0].startswith(f"{FACTS}, case-{CASE}@5: should be the last of its stream"), wrong


@pytest.mark.parametrize("field", ["root", "streams", "day", "previous", "number", "facts"])
def test_an_edited_seal_is_named(field: str) -> None:
    """By its signature; without one by the next seal, and by the facts that it no longer proves."""

    def change(it: Any) -> None:
        seal = it["seals"][1]["document"]
        seal[field] = {"root": "00" * 32, "day": "2017-07-12"}.get(field, 77)

    day, number = ("2017-07-12" if field == "day" else "2017-07-11"), (77 if field == "number" else 2)
    signed = checked(edited(WHOLE, "seals.json", change)).wrong
    assert f"seals.json: seal {number} of {day}: was changed after it was signed" in signed
    assert any(one.startswith("seals.json: seal") for one in checked(edited(UNSIGNED, "seals.json", change)).wrong)


def test_a_seal_that_is_left_out_is_missed() -> None:
    wrong = checked(edited(WHOLE, "seals.json", lambda it: it["seals"].pop(1))).wrong
    assert "seals.json: seal 3 of 2017-07-12: stands behind seal 1 of 2017-07-10: one is missing" in wrong


def head(it: Any, version: int) -> None:
    """State another fact as the last of the first stream."""
    it["signed"]["document"]["heads"][0].update(version=version, hash=json.loads(LINES[version - 1])["hash"])


def test_the_end_cannot_be_cut_off_with_all_that_speaks_of_it() -> None:
    """The last fact, the head that states it and the proof that it was sealed: then the signature no longer fits."""

    def change(it: Any) -> None:
        head(it, 4)
        it["proofs"] = [one for one in it["proofs"] if one["version"] != 5]

    cut = edited(with_lines([*LINES[:4], *LINES[5:]]), DOSSIER, change)
    assert f"{DOSSIER}: was changed after it was signed" in checked(cut).wrong
    sealed = edited(with_lines([*LINES[:4], *LINES[5:]], UNSIGNED), DOSSIER, lambda it: head(it, 4))
    assert f"{FACTS}, case-{CASE}@5: is covered by seal 6 of 2017-07-19, and is missing" in checked(sealed).wrong
    bare = edited(cut, DOSSIER, lambda it: it["signed"].update(key="", signature=""))
    assert f"{DOSSIER}: is not signed, and should be" in checked(bare).wrong
    forged = edited(bare, DOSSIER, lambda it: it["signed"].update(key=public(OTHER), signature="A" * 88))
    assert any(one.startswith(DOSSIER) for one in checked(forged, public(KEY)).wrong)


def test_a_seal_without_a_signature_is_good_only_before_one_that_has_it() -> None:
    """The deployment may have got its key later; the last seal must be signed, for it speaks for all before it."""

    def bare(number: int) -> Any:
        return edited(WHOLE, "seals.json", lambda it: it["seals"][number].update(key="", signature=""))

    assert checked(bare(0)).wrong == []
    assert checked(bare(5)).wrong == ["seals.json: seal 6 of 2017-07-19: is not signed, and should be"]


def test_a_month_is_whole() -> None:
    """A dossier that was taken out, one that was slipped in, the list itself."""
    made = files([story(1), story(2)], KEY, month="2017-07")
    out = {name: content for name, content in made.items() if CASE not in name}
    assert f"{DOSSIER}: is missing" in checked(out).wrong
    slipped = {**files([story(1), story(3)], KEY), **made}
    assert "dossiers/000.00.02.H49-170710-0003.json: does not belong to the month" in checked(slipped).wrong
    del made["month.json"]
    assert any(one.startswith("month.json: is missing") for one in checked(made).wrong)


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_whatever_is_no_evidence_is_found_and_stops_nothing(name: str) -> None:
    """A file that is missing, empty, or something else; the others are checked all the same."""
    for content in (b"", b"null", b"[]", b"{}", b'{"signed": {}}', None):
        made = {**WHOLE, name: content} if content is not None else {one: WHOLE[one] for one in WHOLE if one != name}
        assert checked(made).wrong or (name == "rules.ndjson" and content == b"")


def test_a_file_too_many_is_found() -> None:
    assert checked({**WHOLE, "dossiers/more.txt": b""}).wrong == ["dossiers/more.txt: does not belong here"]


def test_bits_of_a_signature_that_decode_to_nothing_are_found_too() -> None:
    """The last letter before the padding of base64 has four of them."""
    text = WHOLE["seals.json"].decode()
    before, _, after = text.partition('=="')
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = letters[letters.index(before[-1]) ^ 1]
    assert checked({**WHOLE, "seals.json": f'{before[:-1]}{other}=="{after}'.encode()}).wrong


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_flipped_byte_anywhere_is_found(data: st.DataObject) -> None:
    """In every file of a signed archive, but for the spaces between what JSON says."""
    name = data.draw(st.sampled_from(sorted(name for name in WHOLE if WHOLE[name])))
    text = bytearray(WHOLE[name])
    place = data.draw(st.integers(0, len(text) - 1))
    text[place] ^= data.draw(st.sampled_from([1, 2, 4, 8, 16, 64]))
    try:
        same = name.endswith(".json") and json.loads(bytes(text)) == json.loads(WHOLE[name])
    except ValueError:
        same = False
    assert bool(checked({**WHOLE, name: bytes(text)}).wrong) != same


# -- the verifier itself ------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80), st.data())
def test_signatures_are_those_of_the_library(seed: bytes, message: bytes, data: st.DataObject) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    own, signature = b64decode(public(key)), key.sign(message)
    assert verifier.signed_by(own, message, signature)
    assert not verifier.signed_by(own, message + b"!", signature)
    changed = bytearray(own + signature)
    changed[data.draw(st.integers(0, 95))] ^= 1 << data.draw(st.integers(0, 7))
    assert not verifier.signed_by(bytes(changed[:32]), message, bytes(changed[32:]))


def test_a_signature_with_a_number_too_large_is_none() -> None:
    """The same point, another spelling of the number beside it: the library refuses it, and so do we."""
    signature = KEY.sign(b"a")
    large = signature[:32] + (int.from_bytes(signature[32:], "little") + verifier.Q).to_bytes(32, "little")
    with pytest.raises(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(b64decode(public(KEY))).verify(large, b"a")
    assert not verifier.signed_by(b64decode(public(KEY)), b"a", large)


@given(st.dictionaries(TEXTS, JSONS, max_size=4))
def test_a_document_has_one_spelling_on_both_sides(document: dict[str, Any]) -> None:
    assert verifier.canonical(document) == canonical(document)


@pytest.mark.parametrize(
    "data", [b'{"case_id": "' + CASE.encode() + b'",\r\n "\\u00e9": "\xc3\xa9,\\"data\\":{"}', b"{}"]
)
def test_a_line_holds_the_bytes_that_were_stored(data: bytes) -> None:
    """Another system may have broken its lines, or speak of data itself: not one byte is spelt anew."""
    (row,) = rows_of([msgspec.structs.replace(story().facts[0], data=data)])
    line = line_of(row)
    assert line.count("\n") == 1
    fact = verifier.Fact(line.rstrip("\n"))
    assert (fact.bytes, fact.linked(b"")) == (data, row["hash"])


def test_it_runs_alone(tmp_path: Path) -> None:
    """As a file of its own, without our packages or anybody's; its exit code says how it went."""
    program = tmp_path / "verify.py"
    program.write_bytes(Path(verifier.__file__).read_bytes())
    told = {"whole": (WHOLE, 0), "changed": (with_lines(LINES[1:]), 1)}
    for name, (made, code) in told.items():
        written = zipped(tmp_path / f"{name}.zip", made)
        words = [sys.executable, "-I", "-S", str(program), str(written), "--key", public(KEY)]
        ended = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stderr) == (code, "")
        assert f"signed by {public(KEY)}\n" in ended.stdout
        assert ended.stdout.endswith(
            "UNCHANGED · NGUYÊN VẸN\n" if not code else "NOT AS IT WAS · KHÔNG CÒN NGUYÊN VẸN\n"
        )
    none = subprocess.run([sys.executable, str(program), str(program)], capture_output=True, text=True, check=False)
    assert (none.returncode, none.stderr.count("\n")) == (2, 1)


def zipped(place: Path, made: Any) -> Path:
    with zipfile.ZipFile(place, "w") as archive:
        for name, content in made.items():
            archive.writestr(name, content)
    return place


def test_it_is_written_for_an_older_python_and_its_own_library() -> None:
    tree = ast.parse(Path(verifier.__file__).read_text(), feature_version=(3, 9))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
