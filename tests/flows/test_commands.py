"""`onedoor explain`, `what-if`, `sla rebuild`, `runs`, `parked`, `followers`, as given to a running system."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from flows.dossier import CATALOGUE, receive
from flows.house import House
from oracle.swapped import swapped

from deadlines.entries import CalendarEntry

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="session")]
SWAP_FILE = """
calendars:
  - id: "VN-PAC@2017.9"
    country: VN
    cutoff_at: "15:00:00"
    basis: "A swap day of these tests"
    hours:
      - from: 1990-01-01
        weekdays: [1, 2, 3, 4, 5]
        sessions: [["07:00", "11:30"], ["13:30", "17:00"]]
        basis: "as before"
    overrides:
      - {date: 2017-07-13, day: "off", basis: "swapped"}
      - {date: 2017-07-22, day: "make-up", basis: "swapped"}
"""


async def onedoor(house: House, *words: str, wait: bool = True) -> tuple[int, str, str]:
    """Exit code, output, and what went to stderr; once all that was done has had its effect, if it can have one."""
    if wait:
        await house.still()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "onedoor", *words, env={**os.environ, "ONEDOOR_HOME": str(house.stack.state.path)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_explain_prints_the_ledger_in_both_languages(house: House) -> None:
    """Local times, minutes, holder, why, sums; and the same as JSON."""
    it = await receive(house, "2017-07-10 08:00", "PAC-194", "TERMINATION@2017-07-01")
    await it.released("2017-07-11 16:00")
    code, out, err = await onedoor(house, "explain", it.code)
    assert code == 0, err
    assert f"Hồ sơ · Dossier {it.code}" in out
    assert "Ngày tiếp nhận, không tính" in out
    assert "Day of receipt, not counted" in out
    assert "10/07/2017 08:00" in out
    assert "đến hạn · to due" in out
    told = json.loads((await onedoor(house, "explain", it.code, "--json"))[1])
    lines, sums = told["cycles"][0]["lines"], told["cycles"][0]["to_due"]
    assert sum(line["seconds"] for line in lines) == sum(sums.values())
    assert told["cycles"][0]["row"]["outcome"] == "released"


async def test_explain_as_of_a_day_says_what_was_known_then(house: House) -> None:
    """On Monday evening the dossier of Monday was open; on Sunday there was none."""
    it = await receive(house, "2017-07-10 08:05", "PAC-194", "TERMINATION@2017-07-01")
    await it.released("2017-07-11 16:05")
    code, out, err = await onedoor(house, "explain", it.code, "--as-of", "2017-07-10")
    assert code == 0, err
    assert "Open, due" in out
    assert "As known on 10/07/2017 23:59" in out
    told = json.loads((await onedoor(house, "explain", it.code, "--as-of", "2017-07-10T18:00:00+07:00", "--json"))[1])
    assert told["cycles"][0]["row"]["outcome"] == "open"
    code, _, err = await onedoor(house, "explain", it.code, "--as-of", "2017-07-09")
    assert (code, err.count("\n")) == (1, 1)
    assert "no receipt" in err


async def test_what_if_prints_the_difference_and_changes_nothing(house: House, folder: Path) -> None:
    """Counts, units, dossiers; the due date that is shown stays."""
    it = await receive(house, "2017-07-12 08:10", "PAC-194", "TERMINATION@2017-07-01")
    before = await it.cycle()
    file = folder / "swap-day.yaml"
    file.write_text(SWAP_FILE, "utf-8")
    code, out, err = await onedoor(house, "what-if", "--calendar", str(file))
    assert code == 0, err
    assert "Supposed: VN-PAC@2017.9, as-revised" in out
    assert "due dates moved" in out
    assert "PC-QN" in out
    found = json.loads((await onedoor(house, "what-if", "--calendar", str(file), "--json"))[1])
    (mine,) = [one for one in found["dossiers"] if one["case_id"] == it.code]
    assert mine["due"] != mine["new_due"]
    assert found["impact"]["due_moved"] == sum(one["due"] != one["new_due"] for one in found["dossiers"])
    assert await it.cycle() == before


async def test_what_if_of_a_policy(house: House) -> None:
    """By the versions that receipts name, nothing differs."""
    code, out, err = await onedoor(house, "what-if", "--policy", "pinned")
    assert code == 0, err
    assert "Không có hồ sơ nào thay đổi" in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "--calendar, --catalogue or --policy"),
        (("--policy", "PAUSE", "--policy", "RESTART"), "not both of one kind"),
        (("--calendar", "no-such-file.yaml"), "no-such-file.yaml"),
        (("--catalogue", "{edited}"), "defined twice with different contents"),
        (("--catalogue", "{broken}"), "broken.yaml: services.0.limit.unit: Field required"),
        (("--catalogue", "{units}"), "a what-if takes calendars and services only"),
    ],
)
async def test_what_if_says_in_a_line_what_is_wrong(
    house: House, folder: Path, words: tuple[str, ...], sentence: str
) -> None:
    """File, field, rule; exit code 1."""
    service = CATALOGUE.services["LV-RES-URBAN@2017-07-01"].model_dump(mode="json", by_alias=True)
    files = {
        "edited": {"services": [service | {"limit": {"amount": 9, "unit": "working_days"}}]},
        "broken": {"services": [service | {"limit": {"amount": 9}}]},
        "units": {"units": []},
    }
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(json.dumps(content), "utf-8")
    places = {name: str(folder / f"{name}.yaml") for name in files}
    code, _, err = await onedoor(house, "what-if", *(word.format(**places) for word in words))
    assert (code, err.count("\n")) == (1, 1), err
    assert sentence in err


async def test_a_rebuild_is_begun_listed_shown_and_watched(house: House) -> None:
    """A trial first; its run can be looked at from anywhere, and cannot be called off any more."""
    await receive(house, "2017-07-24 07:30", "PAC-194", "TERMINATION@2017-07-01")
    code, out, err = await onedoor(house, "sla", "rebuild", "--dry-run", "--workers", "1", "--json")
    assert code == 0, err
    trial = json.loads(out)
    assert (trial["state"], trial["swapped"], trial["differences"]) == ("done", False, 0)
    code, out, err = await onedoor(house, "sla", "rebuild", "--accept-holes", "records-of-other-tests")
    assert code == 0, err
    assert "0 dossiers differ from the live ones" in out
    listed = json.loads((await onedoor(house, "runs", "list", "--json"))[1])
    assert [(one["state"], one["actor"]) for one in listed[-2:]] == [
        ("checked", "staff-onedoor-01"), ("live", "staff-onedoor-01"),
    ]  # fmt: skip
    run = str(trial["run"])
    assert f"\n{run} " in (await onedoor(house, "runs", "list"))[1]
    for verb in ("show", "watch"):
        code, out, err = await onedoor(house, "runs", verb, run)
        assert (code, f"run {run} (dry run): not swapped" in out) == (0, True), (out, err)
    code, _, err = await onedoor(house, "runs", "cancel", run, "--yes")
    assert (code, err.count("\n")) == (1, 1), err
    assert f"run {run} is not under way" in err


async def test_a_certificate_is_shown_kept_in_a_file_and_verified(house: House, folder: Path) -> None:
    """As text for people; the file folds to the same rows again, and an edited one is refused in one line."""
    await receive(house, "2017-07-24 07:40", "PAC-194", "TERMINATION@2017-07-01")
    run = str(json.loads((await onedoor(house, "sla", "rebuild", "--dry-run", "--json"))[1])["run"])
    code, out, err = await onedoor(house, "runs", "certificate", run)
    assert (code, f"Certificate of generation {run}, a trial" in out) == (0, True), (out, err)
    assert "asked for by staff-onedoor-01" in out
    file = folder / "run.json"
    assert (await onedoor(house, "runs", "certificate", run, "-o", str(file)))[0] == 0
    await receive(house, "2017-07-24 07:45", "PAC-194", "TERMINATION@2017-07-01")  # what comes later changes nothing
    code, out, err = await onedoor(house, "verify", str(file))
    assert (code, "the same: " in out) == (0, True), (out, err)
    kept = file.read_text()
    file.write_text(json.dumps(json.loads(kept) | {"differences": [{"case_id": "000.00.22.H49-170724-9999"}]}))
    code, _, err = await onedoor(house, "verify", str(file))
    assert (code, err.count("\n")) == (1, 1), err
    assert "the list of differences was changed" in err
    file.write_text(kept.replace('"cases": ', '"cases": 1', 1))
    code, _, err = await onedoor(house, "verify", str(file))
    assert (code, err.count("\n")) == (1, 1), err
    assert "changed after it was signed" in err


async def test_a_published_rule_is_heard_by_all(house: House) -> None:
    """Pinned: it is known everywhere, and moves nothing."""
    entry = CalendarEntry.of_terms(swapped("VN-PAC@2019.1").calendar, "1/QD").model_dump(mode="json", by_alias=True)
    body = {"basis": "1/QD", "policy": "pinned", "calendars": [entry]}
    said = await house.do("sla", "/rules/calendars", body, who="leader.PC-QN", at="2017-07-24 08:00")
    assert [fact["type"] for fact in said["facts"]] == ["CalendarPublished"]
    assert said["impact"]["due_moved"] == 0
    await house.settled()
    for service in ("intake", "routing", "field"):
        heard = (await house.get(service, "/followers"))["heard"]
        assert heard[house.topic("rules.events")] == {"0": 1}


async def test_the_facts_of_a_dossier_are_shown_tailed_and_found(house: House) -> None:
    """Every fact in order with what became of it; the last ones of the topics; those that match, or exit code 1."""
    it = await receive(house, "2017-07-13 08:00", "PAC-194", "TERMINATION@2017-07-01")
    await it.released("2017-07-13 16:00")
    (returned,) = [fact.id for fact in await it.said("route") if fact.type == "DossierReturned"]
    wrong = {"fact": returned, "reason": "entered-wrongly"}
    await house.do("routing", f"/dossiers/{it.code}/corrections", wrong, who="leader.PC-QN", at="2017-07-14 09:00")

    code, out, err = await onedoor(house, "events", "show", it.code)
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0] == f"Hồ sơ · Dossier {it.code}"
    assert lines[1].startswith("13/07/2017 08:00:00  ApplicationReceived ")
    (voided,) = [line for line in lines if "DossierReturned" in line and "VOIDED" in line]
    assert voided.endswith(f"[VOIDED by route-{it.code}@{len(await it.said('route'))}]")
    shown = [json.loads(one) for one in (await onedoor(house, "events", "show", it.code, "--json"))[1].splitlines()]
    said = await house.facts("case", "route", "message", "promise", "workorder", subject=it.code)
    assert {one["id"] for one in shown} == {one.id for one in said}
    code, out, _ = await onedoor(house, "events", "show", it.code, "--as-of", "2017-07-13", "--json")
    assert (code, "FactVoided" in out) == (0, False)

    code, out, err = await onedoor(house, "events", "grep", it.code, "--service", "routing", "--json")
    assert code == 0, err
    found = [json.loads(one) for one in out.splitlines()]
    assert [one["id"] for one in found] == [one.id for one in said if one.category == "route"]
    assert found == [one for one in shown if one["source"] == "/onedoor/routing"]
    code, out, err = await onedoor(house, "events", "tail", "--last", "1", "--type", "FactVoided")
    assert (code, out.count("\n")) == (0, 1), err
    assert f"voids={returned}" in out
    assert (await onedoor(house, "events", "grep", "no-such-thing"))[:2] == (1, "")
    assert (await onedoor(house, "events", "grep", it.code, "--since", "2099-01-01"))[:2] == (1, "")
    for words, status, sentence in (
        (("grep", "("), 2, "is no regular expression"),
        (("tail", "--type", "FactVoid"), 1, "perhaps FactVoided"),
        (("show", "000.00.02.H49-170713-9999"), 1, "nothing was heard of"),
    ):
        code, _, err = await onedoor(house, "events", *words)
        assert (code, err.count("\n")) == (status, 1), err
        assert sentence in err


async def test_what_happened_is_exported_as_an_event_log(house: House, folder: Path) -> None:
    """The facts of a dossier as they stand by now, with its units and work orders; nobody's name in it."""
    it = await receive(house, "2017-07-13 08:10", "PAC-194", "TERMINATION@2017-07-01")
    await it.released("2017-07-13 16:10")
    (returned,) = [fact.id for fact in await it.said("route") if fact.type == "DossierReturned"]
    wrong = {"fact": returned, "reason": "entered-wrongly"}
    await house.do("routing", f"/dossiers/{it.code}/corrections", wrong, who="leader.PC-QN", at="2017-07-14 09:10")
    await house.settled()
    said = await house.facts("case", "route", "workorder", subject=it.code)
    standing = {one.id for one in said if one.id != returned and one.type != "FactVoided"}
    file = folder / "log.json"
    code, out, err = await onedoor(house, "export", "--case", it.code, "-o", str(file))
    assert (code, f"1 dossiers, {len(standing)} events" in out) == (0, True), (out, err)
    log = json.loads(file.read_text())
    assert {one["id"] for one in log["events"]} == standing
    assert {one["type"] for one in log["objects"]} >= {"dossier", "counter", "department"}
    code, out, err = await onedoor(house, "export", "--format", "xes", "-o", str(file), "--month", "2017-07", "--json")
    assert code == 0, err
    assert file.read_text().count("<trace>") == json.loads(out)["dossiers"] > 0


async def test_a_tail_follows_until_ctrl_c(house: House) -> None:
    """From where it stood when it printed the last ones; exit code 0."""
    await receive(house, "2017-07-25 07:20", "PAC-194", "TERMINATION@2017-07-01")  # one is there to be printed first
    await house.still()
    words = ("events", "tail", "--follow", "--last", "1", "--service", "intake", "--json")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "onedoor", *words, env={**os.environ, "ONEDOOR_HOME": str(house.stack.state.path)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
    )  # fmt: skip
    assert process.stdout is not None
    before = json.loads(await process.stdout.readline())
    it = await receive(house, "2017-07-25 07:30", "PAC-194", "TERMINATION@2017-07-01")
    after = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
    assert (before["subject"] != it.code, after["subject"], after["sequence"]) == (True, it.code, "1")
    process.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(process.communicate(), 20)
    assert (process.returncode, err) == (0, b"")


async def test_what_is_parked_is_looked_at_tried_again_and_dismissed(house: House) -> None:
    """The case is whole again afterwards; who did it and why is on the service's own topic."""
    it = await receive(house, "2017-07-24 07:40", "PAC-194", "TERMINATION@2017-07-01")
    await house.write("field.events", it.code, b"not a fact")
    assert (await it.cycle())["incomplete"]
    listed = json.loads((await onedoor(house, "parked", "list", "--json"))[1])
    (mine,) = [one for one in listed["sla"] if one["subject"] == it.code]
    assert it.code in [one["subject"] for one in listed["routing"]]
    one = (str(mine["id"]), "--service", "sla")
    assert it.code in (await onedoor(house, "parked", "list", "--service", "sla"))[1]
    code, out, err = await onedoor(house, "parked", "show", *one)
    assert (code, mine["place"] in out, mine["reason"] in out, "not a fact" in out) == (0, True, True, True), (out, err)
    code, _, err = await onedoor(house, "parked", "retry", *one)
    assert (code, err.count("\n"), "still parked" in err) == (1, 1, True), err
    code, out, err = await onedoor(house, "parked", "retry", "--service", "field")
    assert (code, out) == (0, "field: 0 settled\n"), err
    code, _, err = await onedoor(house, "parked", "dismiss", *one, "--why", "it was nothing", "--yes")
    assert (code, err.count("\n"), "why" in err) == (1, 1, True), err
    code, out, err = await onedoor(house, "parked", "dismiss", *one, "--why", "test-record", "--yes")
    assert (code, "dismissed by staff-onedoor-01" in out, ": test-record" in out) == (0, True, True), (out, err)
    await house.settled()
    assert not (await it.cycle())["incomplete"]
    assert ": test-record" in (await onedoor(house, "parked", "list", "--service", "sla", "--all"))[1]
    said = [(fact.topic, fact.data, fact.actor) for fact in await house.facts("operation")]
    dismissal = {"act": "parked-dismissed", "target": f"parked/{mine['id']}", "reason": "test-record"}
    assert (house.topic("sla.events"), dismissal, "staff-onedoor-01") in said


async def test_a_follower_is_paused_seen_to_be_resumed_and_replayed(house: House) -> None:
    """Meanwhile nothing of it moves and the others go on; afterwards its table says what it said."""
    it = await receive(house, "2017-07-24 07:50")
    await it.assigned("2017-07-24 08:10")
    before = await house.sql("select * from field.workorders order by 1")
    assert it.code in str(before)
    code, out, err = await onedoor(house, "followers", "pause", "field.workorders", "--why", "under-repair")
    assert (code, out.startswith("field field.workorders: paused by staff-onedoor-01")) == (0, True), err
    code, out, err = await onedoor(house, "status")  # ready all the same; it is behind by what was said of it
    assert (code, "paused by staff-onedoor-01" in out) == (0, True), (out, err)
    (shown,) = [
        one for one in json.loads((await onedoor(house, "followers", "list", "--json"))[1])["field"]
        if one["name"] == "field.workorders"
    ]  # fmt: skip
    assert (shown["paused_why"], shown["behind_events"]) == ("under-repair", 1)
    code, out, err = await onedoor(house, "followers", "resume", "field.workorders")
    assert (code, out) == (0, "field field.workorders: at work\n"), err
    await house.settled()
    code, _, err = await onedoor(house, "followers", "replay", "field.workorders", "--why", "test-run", "--yes")
    assert code == 0, err
    await house.settled()
    assert before == await house.sql("select * from field.workorders order by 1")
    for words, sentence in (
        (("replay", "sla.judge", "--why", "test-run", "--yes"), "onedoor sla rebuild"),
        (("rewind", "relay", "--to", "2017-07-24", "--why", "test-run", "--service", "sla", "--yes"), "do again"),
        (("pause", "relay", "--why", "test-run"), "say which by --service"),
        (("pause", "nobody", "--why", "test-run"), "no service has a follower nobody"),
    ):
        code, _, err = await onedoor(house, "followers", *words)
        assert (code, err.count("\n"), sentence in err) == (1, 1, True), err


async def test_a_judge_that_is_rewound_mends_what_it_wrote_since(house: House) -> None:
    """A row that was damaged by hand is put right, and nothing is said again of what was right."""
    it = await receive(house, "2017-07-24 07:55", "PAC-194", "TERMINATION@2017-07-01")
    await it.released("2017-07-24 16:00")
    await house.settled()
    said, right = await house.facts("promise"), await it.cycle()
    await house.sql("update sla.cycles set class_a = 'overdue' where case_id = $1", it.code)
    words = ("rewind", "sla.judge", "--to", "2017-07-24", "--why", "test-run", "--yes")
    code, out, err = await onedoor(house, "followers", *words)
    assert (code, out) == (0, "sla sla.judge: at work\n"), err
    await house.settled()
    assert (await it.cycle(), await house.facts("promise")) == (right, said)


async def test_one_goes_back_to_what_a_rebuild_replaced_until_it_is_pruned(house: House) -> None:
    """Tried without a swap, then nothing is left to go back to, which is said in a line."""
    replaced = json.loads((await onedoor(house, "runs", "list", "--json"))[1])
    live = next(one["id"] for one in replaced if one["state"] == "live")
    assert (await onedoor(house, "sla", "rebuild", "--accept-holes", "records-of-other-tests"))[0] == 0
    code, out, err = await onedoor(house, "sla", "rollback", "--dry-run")
    assert (code, "0 dossiers differ from the live ones" in out) == (0, True), (out, err)
    code, out, err = await onedoor(house, "sla", "prune", "--yes")
    assert (code, out.strip()) == (0, f"dropped: generation {live}"), err
    await house.settled()
    said = [fact.data for fact in await house.facts("operation")]
    assert {"act": "generation-dropped", "target": f"generation/{live}", "reason": None} in said
    code, _, err = await onedoor(house, "sla", "rollback", "--yes")
    assert (code, err.count("\n")) == (1, 1), err
    assert "rebuild from the log" in err
