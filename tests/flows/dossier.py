"""One dossier in a story: what people do with it through the public doors, and what the SLA service says of it."""

from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any

from flows.house import LV, Fact, House, when

from deadlines.catalogue import Catalogue
from deadlines.load import load
from local.demo import people
from local.demo.hands import client
from local.places import CHECKOUT

CATALOGUE: Catalogue = load(CHECKOUT / "deploy" / "catalogue")
ACCOUNTS = {unit.code: unit.zalo or "" for unit in CATALOGUE.units()}


def papers(service: str) -> list[str]:
    """A complete set of papers for a service: all that it asks for, and the first of each group."""
    checklist = CATALOGUE.checklist(CATALOGUE.service(service).checklist)
    return [*checklist.all, *(group[0] for group in checklist.one_of.values())]


def applicant(house: House) -> dict[str, str]:
    """A made-up person whom nobody typed in before; what is typed in is remembered."""
    house.people += 1
    person = people.person(Random(house.people), 7_000_000 + house.people)
    typed = {
        "name": person.name,
        "phone": person.phone,
        "address": person.address,
        "id_number": f"0220{house.people:08d}",
        "note": f"Nhà tôi ở sau chợ Mẫu số {house.people}, xin gọi trước khi đến",
    }
    house.typed.update(typed.values())
    return typed


def application(house: House, counter: str, service: str = LV, district: str | None = None) -> dict[str, Any]:
    """What a receptionist types in."""
    return {
        "counter": counter, "service": service, "district": district or f"DL-{counter[4:]}",
        "documents": papers(service), "applicant": applicant(house),
    }  # fmt: skip


@dataclass
class Dossier:
    """A received dossier. Each verb is done at a time on the wall's clock, when what was done elsewhere has arrived."""

    house: House
    code: str
    counter: str
    receipt: dict[str, Any]
    _door: str = "intake"  # where something was done last

    async def at_counter(self, does: str, at: str, **body: Any) -> Any:
        return await self._do("intake", f"/applications/{self.code}/{does}", f"receptionist.{self.counter}", at, body)

    async def leader(self, does: str, at: str, **body: Any) -> Any:
        return await self._do("intake", f"/applications/{self.code}/{does}", "leader.PC-QN", at, body)

    async def unit(self, unit: str, does: str, at: str, **body: Any) -> Any:
        """In the software: acknowledgement, step-completion, forward, referral, agency-reply, return."""
        who = f"receptionist.{unit}" if unit == self.counter else client(unit)
        return await self._do("routing", f"/dossiers/{self.code}/{does}", who, at, body)

    async def zalo(self, unit: str, word: str, at: str) -> str:
        """A unit answers over Zalo: NHAN or XONG."""
        await self._turn_to("zalo")
        return await self.house.say(ACCOUNTS[unit], f"{word} {self.code}", at)

    async def team(self, does: str, at: str, **body: Any) -> Any:
        """On site: visit, visit-missed, start, obstacle, resumption, completion, of the open work order."""
        order = (await self.orders(open=True))[-1]
        return await self._do("field", f"/workorders/{order['work_order']}/{does}", client(order["team"]), at, body)

    async def orders(self, *, open: bool | None = None) -> list[dict[str, Any]]:
        asked = "" if open is None else f"&open={str(open).lower()}"
        found: list[dict[str, Any]] = await self.house.get("field", f"/workorders?case={self.code}{asked}")
        return found

    async def _do(self, service: str, path: str, who: str, at: str, body: dict[str, Any]) -> Any:
        await self._turn_to(service)
        return await self.house.do(service, path, body, who=who, at=at)

    async def _turn_to(self, door: str) -> None:
        """What one service has said is known there at once, and to the others a little later."""
        if self._door != door:
            await self.house.settled()
        self._door = door

    # -- what low voltage always does --------------------------------------------------------------

    async def assigned(self, at: str) -> None:
        """The district's department passes it to its works team."""
        await self.unit(f"DL-{self.counter[4:]}", "step-completion", at)

    async def installed(self, started: str, completed: str) -> None:
        """The works team begins, hands over to the customer, and the dossier goes back to the department."""
        await self.team("start", started)
        await self.team(
            "completion", completed, evidence=[{"reference": f"evidence/{self.code}.jpg"}], handed_over=True
        )

    async def released(self, at: str) -> None:
        """The department closes its last step; the dossier is back at the counter."""
        await self.unit(f"DL-{self.counter[4:]}", "step-completion", at)

    # -- what is said and shown ----------------------------------------------------------------------

    async def said(self, category: str) -> list[Fact]:
        """The facts of this dossier in one kind of stream, oldest first."""
        return await self.house.facts(category, subject=self.code)

    async def types(self, category: str) -> list[str]:
        return [fact.type for fact in await self.said(category)]

    async def messages(self) -> list[tuple[str, str]]:
        """To whom what was told about this dossier, and that each was delivered."""
        facts = await self.said("message")
        delivered = {fact.data["message_id"] for fact in facts if fact.type == "MessageDelivered"}
        prepared = [fact.data for fact in facts if fact.type == "MessagePrepared"]
        assert {one["message_id"] for one in prepared} == delivered
        return [(one["to"], one["template"]) for one in prepared]

    async def judged(self) -> Any:
        """The case at the SLA service, cycles, stays, referrals and charges."""
        return await self.house.get("sla", f"/cases/{self.code}")

    async def cycle(self, number: int = 1) -> Any:
        found = (await self.judged())["cycles"][number - 1]
        assert found["cycle"] == number
        return found

    async def explained(self, number: int = 1) -> Any:
        """Why a cycle stands where it stands; its ledger has no gap and adds up to its sums."""
        explanation = await self.house.get("sla", f"/cases/{self.code}/explain")
        found = explanation["cycles"][number - 1]
        lines = found["lines"]
        assert all(one["end"] == next["start"] for one, next in pairwise(lines))
        for clock in ("utility", "customer", "agency"):
            of_clock = sum(line["seconds"] for line in lines if line["clock"] == clock)
            assert of_clock == found["to_due"][clock] + found["after_due"][clock]
        return found

    async def is_overdue_now(self) -> bool:
        found = await self.house.get("sla", "/overdue?limit=5000")
        return self.code in [one["case_id"] for one in found["overdue"]]

    async def counted(self, unit: str, since: str, to: str) -> set[str]:
        """The columns of a unit's line that count this dossier, but for the channel's and those of 766."""
        line = await self.house.line(unit, since, to)
        items = line["items"] if line else {}
        found = {column for column, counted in items.items() if any(one[0] == self.code for one in counted)}
        return {column for column in found if not column.startswith(("received ", "766 "))}


async def receive(
    house: House, at: str, counter: str = "PAC-193", service: str = LV, *, district: str | None = None,
    body: dict[str, Any] | None = None,
) -> Dossier:  # fmt: skip
    """A customer comes to a counter with complete papers."""
    body = body or application(house, counter, service, district)
    receipt = await house.do("intake", "/applications", body, who=f"receptionist.{counter}", at=at)
    return Dossier(house, receipt["case_id"], counter, receipt)


async def on_site(house: House, at: str, assigned: str, counter: str = "PAC-193") -> Dossier:
    """A low-voltage dossier that is with its works team."""
    it = await receive(house, at, counter)
    await it.assigned(assigned)
    return it


def iso(local: str) -> str:
    """An instant for a request's body."""
    return when(local).isoformat()
