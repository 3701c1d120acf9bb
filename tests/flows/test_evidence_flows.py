"""Evidence out of a running system, checked by the program that goes with it, which knows nothing of ours."""

import asyncio
import json
import os
import sys
import zipfile
from pathlib import Path

import pytest
from contracts.given import eventually
from flows.dossier import Dossier, receive
from flows.house import House
from flows.test_commands import onedoor

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="session")]
# Before all other flows' days, so that the clock passes these without passing theirs.
MONDAY, WEDNESDAY = "2017-07-03", "2017-07-05"


async def verified(file: Path, *words: str) -> tuple[int, str]:
    """Take the verifier out of the file and run it on the file, without our packages or anybody's."""
    program = file.with_suffix(".py")
    with zipfile.ZipFile(file) as archive:
        program.write_bytes(archive.read("verify.py"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", str(program), str(file), *words, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def finished(house: House) -> Dossier:
    """A contract that was drafted in a day, and the days after it sealed."""
    it = await receive(house, f"{MONDAY} 08:00", "PAC-194", "TERMINATION@2017-07-01")
    await it.released("2017-07-04 16:00")
    await house.clock(f"{WEDNESDAY} 00:00")

    async def sealed() -> bool:
        proofs = (await house.doors.get("sla", f"/evidence/{it.code}"))["proofs"]
        return f"promise-{it.code}" in {proof["stream"] for proof in proofs}

    await eventually(sealed)
    return it


def edited(file: Path, name: str, was: bytes, now: bytes) -> Path:
    """The same archive with some bytes of one file in it changed."""
    other = file.with_name(f"edited-{file.name}")
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(other, "w") as copy:
        for one in archive.namelist():
            content = archive.read(one)
            if one == name:
                assert was in content
                content = content.replace(was, now, 1)
            copy.writestr(one, content)
    return other


async def test_a_dossier_is_checked_by_somebody_who_has_nothing_but_the_file(house: House, folder: Path) -> None:
    """Every fact is sealed, the verdict is found again; an edited one is named, and so is another key."""
    it = await finished(house)
    file = folder / "dossier.zip"
    code, out, err = await onedoor(house, "evidence", it.code, "-o", str(file), "--json")
    assert code == 0, err
    made = json.loads(out)
    assert (made["dossiers"], made["file"]) == (1, str(file))
    code, said = await verified(file, "--key", made["key"])
    assert code == 0, said
    assert f"dossier {it.code}: 1 judged again, {made['facts']} facts" in said
    with zipfile.ZipFile(file) as archive:
        told = json.loads(archive.read(f"dossiers/{it.code}.json"))
    heads = {(one["stream"], one["version"]) for one in told["signed"]["document"]["heads"]}
    assert heads <= {(one["stream"], one["version"]) for one in told["proofs"]}
    assert said.endswith("UNCHANGED · NGUYÊN VẸN\n")

    class_of = b'"by_date": "' + (await it.cycle())["by_date"].encode() + b'"'
    code, said = await verified(edited(file, f"dossiers/{it.code}.json", class_of, b'"by_date": "overdue"'))
    assert code == 1, said
    assert f"dossiers/{it.code}.json, cycle 1, by_date: is overdue, and by the facts" in said
    counter = (b'"counter":"PAC-194"', b'"counter":"PAC-193"')
    code, said = await verified(edited(file, f"dossiers/{it.code}.ndjson", *counter))
    assert (code, f"CHANGED · BỊ THAY ĐỔI  dossiers/{it.code}.ndjson, case-{it.code}@1: its bytes" in said) == (1, True)
    code, said = await verified(file, "--key", "A" * 43 + "=")
    assert (code, "which is not the key that was given" in said) == (1, True)


async def test_a_month_of_a_whole_organisation(house: House, folder: Path) -> None:
    """Every dossier that any flow has left in July, sealed or not: all verdicts are found again."""
    it = await receive(house, f"{MONDAY} 09:00", "PAC-194", "TERMINATION@2017-07-01")
    await it.released("2017-07-04 16:30")
    file = folder / "july.zip"
    code, out, err = await onedoor(house, "evidence", "2017-07", "-o", str(file))
    assert code == 0, err
    assert "signed by" in out
    _, said = await verified(file)
    # What another flow wrote on a topic behind the services' backs, with a hash that is none, is found, and only that.
    changed = [line for line in said.splitlines() if line.startswith("CHANGED")]
    assert [line for line in changed if "blessing-" not in line] == [], said
    listed = (await house.get("sla", "/evidence/month?month=2017-07"))["document"]["dossiers"]
    assert it.code in listed
    assert f"all dossiers that count in 2017-07: {len(listed)} judged again" in said


async def test_what_cannot_be_had_is_said_in_a_line_and_leaves_no_file(house: House, folder: Path) -> None:
    file = folder / "none.zip"
    for what, sentence in (("000.00.14.H49-170710-9999", "nothing was heard of"), ("2017-13", "sla says 422")):
        code, _, err = await onedoor(house, "evidence", what, "-o", str(file))
        assert (code, err.count("\n"), sentence in err) == (1, 1, True), err
        assert os.listdir(folder) == []
    code, _, err = await onedoor(house, "evidence", "2017-07", "-o", f"{folder}/no/such/place.zip")
    assert (code, err.count("\n")) == (1, 1), err


async def test_seals_and_evidence_are_for_readers(house: House) -> None:
    """Auditors among them; nobody without a token, and no other system."""
    for path in ("/day-seals", "/evidence/rules", "/evidence/month?month=2017-07"):
        for who, status in ((None, 401), ("auditor.PC-QN", 200)):
            assert (await house.ask("sla", path, method="GET", who=who)).status == status, (path, who)
    refused = await house.ask("sla", "/evidence/dossiers?case=nonsense", method="GET")
    assert refused.status == 422
