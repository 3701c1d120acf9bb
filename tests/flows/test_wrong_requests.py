"""A wrong request gets a problem document that says which field, which rule, and what to do; it changes nothing."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from dataclasses import field as made
from typing import Any

import pytest
import pytest_asyncio
from flows.dossier import Dossier, application, receive
from flows.house import House, Reply

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="session")]
NOW = "2017-07-12 09:00"
DESK = "receptionist.PAC-206"


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """A request, and what its problem document must say. `{case}` is a dossier that DL-206 has acknowledged."""

    service: str
    path: str
    body: Any
    status: int
    rule: str
    field: str
    who: str | None = DESK
    at: str | None = NOW
    headers: dict[str, str] = made(default_factory=dict)
    says: tuple[str, ...] = ()  # what the document must name somewhere


CLOSE = "/applications/{case}/close"
ACKNOWLEDGE = "/dossiers/{case}/acknowledgement"
PLACE = "Papers of the place (one of)"
WRONG = {
    "unknown service": Wrong(
        service="intake", path="/applications", body={"service": "LV-MOON@2017-07-01"},
        status=422, rule="unknown-service", field="service", says=("LV-RES-URBAN@2017-07-01",),
    ),
    "service of another year": Wrong(
        service="intake", path="/applications", body={"service": "METER-CHECK@2018-06-21"},
        status=422, rule="service-not-in-force", field="service", says=("METER-CHECK@2017-07-01",),
    ),
    "missing papers, all of them named": Wrong(
        service="intake", path="/applications", body={"documents": ["request-form"]},
        status=422, rule="incomplete-dossier", field="documents",
        says=("Identity card or passport", PLACE, "identity", "place"),
    ),
    "no papers at all": Wrong(
        service="intake", path="/applications", body={"documents": []},
        status=422, rule="incomplete-dossier", field="documents", says=("Request form", "Identity", PLACE),
    ),
    "unknown counter": Wrong(
        service="intake", path="/applications", body={"counter": "PAC-999"}, who="receptionist.PAC-999",
        status=422, rule="unknown-counter", field="counter",
    ),
    "unknown district": Wrong(
        service="intake", path="/applications", body={"district": "DL-999"},
        status=422, rule="unknown-district", field="district", says=("DL-193",),
    ),
    "nobody applies": Wrong(
        service="intake", path="/applications", body={"applicant": None},
        status=422, rule="no-applicant", field="applicant",
    ),
    "a telephone number that is none": Wrong(
        service="intake", path="/applications",
        body={"applicant": {"name": "Đỗ Minh Quân (mẫu)", "phone": "gọi sau", "address": "ngõ Mẫu 99"}},
        status=422, rule="invalid-request", field="applicant.phone",
    ),
    "a field that nobody knows": Wrong(
        service="intake", path="/applications", body={"colour": "red"},
        status=422, rule="invalid-request", field="colour",
    ),
    "received tomorrow": Wrong(
        service="intake", path="/applications", body={"at": "2017-07-13T09:00:00+07:00"},
        status=422, rule="time-in-future", field="at",
    ),
    "a time in the future": Wrong(
        service="intake", path=CLOSE, body={"at": "2017-07-12T09:01:00+07:00"},
        status=422, rule="time-in-future", field="at",
    ),
    "a time before receipt": Wrong(
        service="intake", path=CLOSE, body={"at": "2017-07-09T09:00:00+07:00"},
        status=422, rule="time-before-receipt", field="at", says=("ApplicationReceived",),
    ),
    "a time without its offset": Wrong(
        service="intake", path=CLOSE, body={"at": "2017-07-11T09:00:00"},
        status=422, rule="invalid-request", field="at", says=("offset",),
    ),
    "a time before the hand-over": Wrong(
        service="routing", path="/dossiers/{case}/step-completion", who="officer.DL-206",
        body={"at": "2017-07-10T09:00:00+07:00"}, status=422, rule="time-before-hand-over", field="at",
    ),
    "unknown dossier at the counter": Wrong(
        service="intake", path="/applications/000.00.14.H49-170710-9999/close", body={},
        status=404, rule="no-such-dossier", field="case_id",
    ),
    "unknown dossier on its way": Wrong(
        service="routing", path="/dossiers/000.00.14.H49-170710-9999/acknowledgement", body={}, who="officer.DL-206",
        status=404, rule="no-such-dossier", field="case_id",
    ),
    "unknown work order": Wrong(
        service="field", path="/workorders/wo-000.00.14.H49-170710-9999-3/start", body={}, who="team.TC-206",
        status=404, rule="no-such-order", field="work_order",
    ),
    "a code that is none": Wrong(
        service="intake", path="/applications/12/close", body={},
        status=422, rule="invalid-request", field="path.case_id",
    ),
    "acknowledged by another after the first": Wrong(
        service="routing", path=ACKNOWLEDGE, body={}, who="officer.DL-206#02",
        status=409, rule="already-acknowledged", field="case_id", says=("staff-DL-206-01",),
    ),
    "an old version seen": Wrong(
        service="routing", path="/dossiers/{case}/step-completion", body={}, who="officer.DL-206",
        headers={"If-Match": '"1"'}, status=412, rule="stale-version", field="If-Match", says=("DossierAcknowledged",),
    ),
    "a version that is no number": Wrong(
        service="intake", path=CLOSE, body={}, headers={"If-Match": "yesterday's"},
        status=422, rule="invalid-request", field="header.if-match",
    ),
    "wrong role": Wrong(
        service="intake", path="/applications/{case}/extension", who=DESK,
        body={"appointment": "2017-07-20T17:00:00+07:00", "reason": "bad-weather"},
        status=403, rule="wrong-role", field="Authorization", says=("leader",),
    ),
    "an apology in another century": Wrong(
        service="intake", path="/applications/{case}/extension", who="leader.PC-QN",
        body={"appointment": "2099-01-05T17:00:00+07:00", "reason": "bad-weather", "at": "2150-01-01T00:00:00Z"},
        status=422, rule="time-in-future", field="at",
    ),
    "wrong unit at the counter": Wrong(
        service="intake", path=CLOSE, body={}, who="receptionist.PAC-207",
        status=403, rule="wrong-unit", field="case_id", says=("PAC-206",),
    ),
    "wrong unit at receipt": Wrong(
        service="intake", path="/applications", body={}, who="receptionist.PAC-207",
        status=403, rule="wrong-unit", field="counter", says=("PAC-206",),
    ),
    "wrong unit on the way": Wrong(
        service="routing", path="/dossiers/{case}/step-completion", body={}, who="officer.DL-207",
        status=403, rule="wrong-unit", field="case_id", says=("DL-206",),
    ),
    "no token": Wrong(
        service="intake", path=CLOSE, body={}, who=None, status=401, rule="no-valid-token", field="Authorization",
    ),
    "a bad token": Wrong(
        service="intake", path=CLOSE, body={}, headers={"Authorization": "Bearer abc.def.ghi"},
        status=401, rule="no-valid-token", field="Authorization",
    ),
    "unknown reason": Wrong(
        service="intake", path="/applications/{case}/withdrawal", body={"reason": "no-idea"},
        status=422, rule="unknown-reason", field="reason", says=("changed-plans", "customer-request"),
    ),
    "a reason for something else": Wrong(
        service="intake", path="/applications/{case}/refusal", body={"reason": "changed-plans"},
        status=422, rule="unknown-reason", field="reason", says=("outside-area",),
    ),
    "a unit that is no agency": Wrong(
        service="routing", path="/dossiers/{case}/referral", who="officer.DL-206",
        body={"agency": "DL-193", "matter": "road-trench"},
        status=422, rule="not-an-agency", field="agency", says=("UBND-206",),
    ),
    "no time where the caller tells it": Wrong(
        service="intake", path=CLOSE, body={}, at=None, status=422, rule="clock-is-the-logs", field="Onedoor-Now",
        says=("2017-07-10T09:00:00+07:00",),
    ),
    "a key that holds a sentence": Wrong(
        service="intake", path=CLOSE, body={}, headers={"Idempotency-Key": "anh Nam 0000"},
        status=422, rule="invalid-request", field="header.idempotency-key",
    ),
    "a rating before the end": Wrong(
        service="intake", path="/applications/{case}/rating", body={"stars": 5},
        status=409, rule="case-open", field="case_id",
    ),
    "six stars": Wrong(
        service="intake", path="/applications/{case}/rating", body={"stars": 6},
        status=422, rule="invalid-request", field="stars",
    ),
    "a yes that is none": Wrong(
        service="sla", path="/rebuilds", body={"accept_differences": "perhaps"}, who="operator.onedoor",
        status=422, rule="invalid-request", field="accept_differences",
    ),
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def case(house: House) -> AsyncIterator[Dossier]:
    """A dossier that its first unit has acknowledged, and that stays as it is whatever is asked wrongly of it."""
    it = await receive(house, "2017-07-10 14:00", "PAC-206")
    await it.unit("DL-206", "acknowledgement", "2017-07-10 15:00")
    yield it
    await house.settled()
    assert await it.types("case") == ["ApplicationReceived"]
    assert await it.types("route") == ["DossierForwarded", "DossierAcknowledged"]


def says_what_to_do(answer: Reply, status: int, rule: str, field: str) -> None:
    """A problem document (RFC 9457) with everything that a person needs to mend the request."""
    assert (answer.status, answer.media_type) == (status, "application/problem+json"), answer
    body = answer.body
    assert body["type"] == f"urn:onedoor:problem:{rule}", body
    assert (body["title"], body["status"]) == (rule.replace("-", " "), status)
    assert body["field"] == field, body
    assert len(body["detail"]) > 10
    assert len(body["way_out"]) > 10


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_request_is_told_what_is_wrong(house: House, case: Dossier, name: str) -> None:
    """Field, rule and way out; and what the document must name."""
    wrong = WRONG[name]
    body = application(house, "PAC-206") | wrong.body if wrong.path == "/applications" else wrong.body
    if isinstance(person := wrong.body.get("applicant"), dict):
        house.typed.update(person.values())
    path = wrong.path.replace("{case}", case.code)
    answer = await house.ask(wrong.service, path, body, who=wrong.who, at=wrong.at, **wrong.headers)
    says_what_to_do(answer, wrong.status, wrong.rule, wrong.field)
    for word in wrong.says:
        assert word in str(answer.body), word


@pytest.mark.parametrize("service", ["intake", "routing", "field", "sla"])
async def test_broken_json_is_told_so(house: House, case: Dossier, service: str) -> None:
    """Every service says that the body is at fault, not which byte."""
    paths = {
        "intake": f"/applications/{case.code}/close", "routing": f"/dossiers/{case.code}/step-completion",
        "field": f"/workorders/wo-{case.code}-2/start", "sla": "/rebuilds",
    }  # fmt: skip
    who = {"intake": DESK, "routing": "officer.DL-206", "field": "team.TC-206", "sla": "operator.onedoor"}[service]
    answer = await house.ask(service, paths[service], raw=b'{"at": "2017-', who=who, at=NOW)
    says_what_to_do(answer, 400, "broken-json", "body")


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
async def test_a_body_that_is_too_large_is_not_read(house: House, announced: bool) -> None:
    """Whether or not its length is told beforehand."""
    block = b'"' + b"x" * (1 << 18)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield block

    answer = await house.ask("intake", "/applications", raw=block * 5 if announced else chunks(), who=DESK, at=NOW)
    says_what_to_do(answer, 413, "body-too-large", "body")


async def test_a_key_used_again_with_another_body_is_a_mistake(house: House) -> None:
    """The first dossier stands; its own body with the same key gets the same answer."""
    body = application(house, "PAC-206")
    key = {"Idempotency_Key": "flow-reused"}
    first = await house.ask("intake", "/applications", body, who=DESK, at="2017-07-11 08:00", **key)
    assert first.status == 201
    other = await house.ask("intake", "/applications", body | {"documents": []}, who=DESK, at=NOW, **key)
    says_what_to_do(other, 409, "idempotency-key-reused", "Idempotency-Key")
    again = await house.ask("intake", "/applications", body, who=DESK, at="2017-07-11 08:00", **key)
    assert (again.status, again.body) == (201, first.body)
    await house.settled()
    case_id = first.body["case_id"]
    received = [fact for fact in await house.facts("case", subject=case_id) if fact.type == "ApplicationReceived"]
    assert len(received) == 1


@pytest.mark.parametrize(
    ("path", "status", "rule", "field"),
    [
        ("/record?from=2017-08-01&to=2017-07-01", 422, "empty-period", "to"),
        ("/record?from=yesterday&to=2017-07-01", 422, "invalid-request", "query.from"),
        ("/cases/000.00.14.H49-170710-9999", 404, "no-such-dossier", "case_id"),
        ("/cases/000.00.14.H49-170710-9999/explain", 404, "no-such-dossier", "case_id"),
        ("/cases/000.00.14.H49-170710-9999/facts", 404, "no-such-dossier", "case_id"),
        ("/evidence/month?month=0000-01", 422, "invalid-request", "query.month"),
        ("/cases?limit=0", 422, "invalid-request", "query.limit"),
        ("/rebuilds/999999", 404, "no-such-run", "run"),
    ],
)
async def test_a_wrong_question_is_told_what_is_wrong(
    house: House, path: str, status: int, rule: str, field: str
) -> None:
    """Reading, too."""
    says_what_to_do(await house.ask("sla", path, method="GET"), status, rule, field)


async def test_a_token_is_not_enough_without_the_role(house: House) -> None:
    """An emitter may not read; a receptionist may not rebuild, move the clock, or see the quarantine."""
    for service, method, path in (
        ("sla", "POST", "/rebuilds"), ("sla", "DELETE", "/rebuilds/1"), ("sla", "POST", "/prunes"),
        ("sla", "POST", "/rollbacks"), ("sla", "POST", "/clock"),
        ("intake", "GET", "/zalo/quarantine"), ("routing", "POST", "/parked/retry"),
        ("field", "POST", "/republish"),
    ):  # fmt: skip
        body = {"now": "2017-07-10T09:00:00+07:00"} if path == "/clock" else {} if method == "POST" else None
        answer = await house.ask(service, path, body, method=method, who=DESK)
        says_what_to_do(answer, 403, "wrong-role", "Authorization")
    answer = await house.ask("sla", "/cases", method="GET", who="emitter.QN-SXD")
    says_what_to_do(answer, 403, "wrong-role", "Authorization")
