"""The whole system on the wall's clock, started as `make up` starts it: what time alone brings comes by itself.

Nobody beats for a service, says what time it is or drives a follower. Days are long, so one day of the past is first
played on the log's clock, as an import of the past is; then the same state is started on the wall's clock.
"""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import parts
import pytest
import yaml
from aiokafka import AIOKafkaProducer
from contracts.given import eventually
from flows.dossier import papers
from flows.house import LV, fresh
from gateway.told import KEY, Event

from events import signing
from events.clock import now
from events.contracts.channels import INBOUND, SERVICES
from local.demo import people
from local.demo.doors import OPERATOR, Doors
from local.demo.script import VIETNAM
from local.places import CHECKOUT
from local.stack import Stack
from local.zalo.messages import OK

pytestmark = pytest.mark.whole
AGO = 4  # days: what is due then is a matter for the leader by now
QUICK, HOURS = "LV-QUICK@2017-07-01", "ALL-HOURS@2017"
AGAIN = -200  # Zalo's number of a failure in passing
FOREIGN = "000.00.30.H49-170710-0001"


def catalogue(folder: Path, today: datetime) -> Path:
    """The deployment's, and a service whose limit is a minute of a calendar that never closes, no holiday either."""
    made = folder / "catalogue"
    shutil.copytree(CHECKOUT / "deploy" / "catalogue", made)
    days = [(today + timedelta(days=number)).date() for number in range(-2 * AGO, AGO)]
    every_hour = {"from": "1990-01-01", "weekdays": [*range(1, 8)], "sessions": [["00:00:00", "23:59:59"]]}
    more = {
        "calendars": [
            {
                "id": HOURS,
                "country": "VN",
                "cutoff_at": "23:59:59",
                "basis": "test",
                "hours": [{**every_hour, "basis": "test"}],
                "overrides": [{"date": str(day), "day": "make-up", "basis": "test"} for day in days],
            }
        ],
        "services": [
            {
                "id": QUICK,
                "name": {"vi": "Thử", "en": "Test"},
                "from": "2017-07-01",
                "field": "LV",
                "limit": {"amount": 1, "unit": "working_minutes"},
                "clock_policy": "PAUSE",
                "calendar": HOURS,
                "process": "LV",
                "checklist": "lv-residential",
                "basis": "test",
            }
        ],
    }
    (made / "quick.yaml").write_text(yaml.safe_dump(more))
    return made


def emitters(folder: Path) -> Path:
    """The deployment's, and the Department of Construction has a key with which it signs what it puts on Kafka."""
    entered = yaml.safe_load((CHECKOUT / "deploy" / "emitters.yaml").read_text())
    entered["emitters"][0]["keys"] = [signing.public(KEY)]
    made = folder / "emitters.yaml"
    made.write_text(yaml.safe_dump(entered))
    return made


class System:
    """The system at work, and what a counter, another system and an operator do at its public doors."""

    def __init__(self, stack: Stack, doors: Doors) -> None:
        self.stack, self.doors = stack, doors

    async def receive(self, at: datetime, **more: Any) -> str:
        """A household's dossier that was received at an instant; its code."""
        person = people.person(Random(7), 7_000_000)
        body = {
            "counter": "PAC-193",
            "service": QUICK,
            "district": "DL-193",
            "documents": papers(LV),
            "at": at.isoformat(),
            "applicant": {"name": person.name, "phone": person.phone, "address": person.address},
        }
        answer = await self.doors.post("intake", "/applications", body, who="receptionist.PAC-193", **more)
        return str(answer["case_id"])

    async def hear_from_construction(self, received: datetime, due: datetime) -> None:
        """The Department of Construction puts a signed event on Kafka: a dossier of its own, due at an instant."""
        promise = {"calendar": HOURS, "clock_policy": "PAUSE", "due": due.isoformat()}
        unit = {"counter": "SXD", "organisation": "SXD", "sector": "construction", "district": "SXD"}
        data = {"case_id": FOREIGN, **unit, "channel": "counter", "promise": promise}
        said = Event("ApplicationReceived", data, source="urn:quangninh:so-xay-dung:mot-cua", at=received).letter()
        async with AIOKafkaProducer(bootstrap_servers=self.stack.kafka) as producer:
            topic = self.stack.topic_prefix + INBOUND
            await producer.send_and_wait(topic, said.value, headers=list(said.headers.items()))

    async def zalo_is_in_trouble(self) -> None:
        """Access tokens run out now, the next sends fail in passing, and to one that is taken no answer comes."""
        await self.doors.post("zalo", "/simulator/expire", {}, who=OPERATOR)
        await self.doors.post("zalo", "/simulator/fail", {"code": AGAIN, "times": 2}, who=OPERATOR)
        await self.doors.post("zalo", "/simulator/hang", {"times": 1, "seconds": 15}, who=OPERATOR)

    async def zalo_has_taken_what_it_refused(self) -> bool:
        sent = (await self.doors.get("zalo", "/simulator/messages"))["messages"]
        refused, taken = (
            {(one["user_id"], one["text"]) for one in sent if one["error"] == code} for code in (AGAIN, OK)
        )
        return bool(refused) and refused <= taken

    async def told(self, case_id: str) -> dict[str, Mapping[str, Any]]:
        """Each kind of event of a dossier, with its threshold or step, as sla has heard and said them."""
        answer = await self.doors.look("sla", f"/cases/{case_id}/facts")
        found = [one["event"] for one in answer["facts"]] if answer else []
        return {" ".join(filter(None, (_kind(one), _which(one["data"])))): one for one in found}

    async def as_of(self, case_id: str, instant: datetime) -> Any:
        """What was known of a dossier at an instant, once that is final."""
        day = instant.isoformat().replace("+", "%2B")
        answer = await self.doors.get("sla", f"/cases/{case_id}?as_of={day}")
        return answer if answer["final"] else None

    async def status(self, *words: str) -> tuple[int, str]:
        """Exit code of `onedoor status`, and what it says."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "onedoor",
            "status",
            *words,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "ONEDOOR_HOME": str(self.stack.state.path)},
        )
        out, _ = await process.communicate()
        return process.returncode or 0, out.decode()

    async def stands(self) -> bool:
        code, shown = await self.status()
        return code == 1 and "the watermark of field stands since" in shown

    async def goes_on(self) -> bool:
        return (await self.status())[0] == 0

    async def stood_still_for_an_hour(self, source: str) -> None:
        """Nobody has the time to wait: what sla last heard of a source that is down is made older."""
        assert self.stack.databases is not None
        connection = await asyncpg.connect(self.stack.databases.admin)
        try:
            older = "update sla.watermarks set watermark = watermark - interval '1 hour' where service = $1"
            await connection.execute(older, source)
        finally:
            await connection.close()


def _kind(event: Mapping[str, Any]) -> str:
    return str(event["type"]).removeprefix("onedoor.").partition(".")[0]


def _which(data: Mapping[str, Any]) -> str:
    return str(data.get("threshold") or data.get("step") or "")


def _at(event: Mapping[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(event[name])


@asynccontextmanager
async def running(stack: Stack) -> AsyncIterator[System]:
    async with stack:
        urls: dict[str, str] = {name: stack.url(name) for name in (*SERVICES, "zalo") if name in stack.parts}
        async with Doors(urls, stack.url("issuer"), stack.dev_secret) as doors:
            yield System(stack, doors)


async def test_what_time_brings_comes_by_itself(kafka: str, postgres: str, folder: Path, topic_prefix: str) -> None:
    """A warning, a miss, its escalation, a final answer as of a day, a sealed day. What Zalo refused in passing or did
    not answer is sent again. A source that stands is told."""
    name, admin = await fresh(postgres)
    began = now().astimezone(VIETNAM)
    past = began.replace(hour=9, minute=0, second=0, microsecond=0) - timedelta(days=AGO)
    given: Any = {
        "free_ports": True,
        "kafka": kafka,
        "database": admin,
        "topic_prefix": topic_prefix,
        "catalogue": catalogue(folder, began),
        "emitters": emitters(folder),
    }
    async with running(Stack(folder, clock="log", modules={"intake": "intake"}, **given)) as system:
        long_ago = await system.receive(past, now=past)
    async with running(Stack(folder, **given)) as system:
        await system.zalo_is_in_trouble()
        instant = now()
        case_id = await system.receive(instant - timedelta(seconds=52))
        await system.hear_from_construction(instant - timedelta(seconds=6), due=instant + timedelta(seconds=8))

        async def all_told() -> bool:
            by_time = {"DeadlineApproaching half", "DeadlineApproaching four-fifths", "DeadlineMissed"}
            return (
                by_time | {"DossierEscalated", "MessageDelivered"} <= (await system.told(case_id)).keys()
                and by_time <= (await system.told(FOREIGN)).keys()
                and by_time | {"DeadlineOverrun leader"} <= (await system.told(long_ago)).keys()
            )

        await eventually(all_told, within=90)
        for case in (case_id, FOREIGN, long_ago):
            for event in (await system.told(case)).values():
                assert _at(event, "recordedtime") >= _at(event, "time"), event  # never before it was so
        assert _at((await system.told(case_id))["DeadlineMissed"], "time") > instant
        await eventually(system.zalo_has_taken_what_it_refused)

        async def in_doubt() -> bool:
            return "MessageInDoubt" in {*await system.told(case_id), *await system.told(long_ago)}

        await eventually(in_doubt)
        instant = now()
        known = await eventually(lambda: system.as_of(case_id, instant))
        assert known["cycles"] == (await system.doors.get("sla", f"/cases/{case_id}"))["cycles"]

        async def sealed() -> Any:
            return (await system.doors.get("sla", "/day-seals"))["seals"]

        first, *_ = await eventually(sealed)
        assert first["document"]["day"] == past.date().isoformat()

        code, shown = await system.status("--json")
        assert (code, [one["stands"] for one in json.loads(shown)["sla"]["watermarks"]]) == (0, [False] * 5)
        await system.stack.stop("field")
        await system.stood_still_for_an_hour("field")
        await eventually(system.stands)
        await system.stack.start("field")
        await eventually(system.goes_on)
    await parts.drop_database(postgres, name)
