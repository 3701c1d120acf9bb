"""A dossier by the national portal's status and fields, at every point of its life."""

from collections.abc import Callable

import pytest
from oracle.judging import MONDAY, RULES, received
from oracle.telling import Story, local

from sla.judging.judge import judge
from sla.reports import portal


def waiting_for_the_agency(told: Story) -> None:
    told.forwarded(local(7, 10, 10), "DL-193")
    told.referred(local(7, 11, 9))


def works_again(told: Story) -> None:
    asked = told.supplement(local(7, 10, 10))
    told.forwarded(local(7, 10, 11), "DL-193")
    told.supplemented(local(7, 11, 9), asked)


def collected(told: Story) -> None:
    told.returned(local(7, 12, 9))
    told.closed(local(7, 14, 9))


LIFE: list[tuple[Callable[[Story], object], int]] = [
    (lambda told: None, 2),
    (lambda told: told.refused(local(7, 11, 9)), 3),
    (lambda told: told.forwarded(local(7, 10, 10), "DL-193"), 4),
    (lambda told: told.works(local(7, 10, 10)), 4),  # the customer's own works are no paper and no payment
    (waiting_for_the_agency, 4),
    (works_again, 4),
    (lambda told: told.supplement(local(7, 10, 10)), 5),
    (lambda told: told.withdrawn(local(7, 11, 9)), 7),
    (lambda told: told.stopped(local(7, 11, 9)), 8),
    (lambda told: told.returned(local(7, 12, 9)), 9),
    (collected, 10),
    (lambda told: told.closed(local(7, 12, 9)), 10),
]


@pytest.mark.parametrize(("happens", "status"), LIFE)
def test_every_status_of_a_received_dossier(happens: Callable[[Story], object], status: int) -> None:
    """1 is a submission's; 6 needs a process with a payment or a signature, which none of 2017 has."""
    told = received()
    happens(told)
    (row,) = judge(told.facts, RULES).cycles
    assert portal.status(row) == status


def test_a_payment_or_signature_is_an_obligation() -> None:
    """Should a process ask for one."""
    (row,) = judge(received().facts, RULES).cycles
    assert portal.status(row._replace(waiting_for="payment")) == 6


def test_the_fields_of_a_collected_dossier() -> None:
    """Processing ends with the result; collecting it is another date. Local time, to the second."""
    told = received(MONDAY)
    collected(told)
    fields = portal.case(judge(told.facts, RULES).cycles, "Cấp điện mới")
    assert fields == {
        "MaHoSo": told.case_id, "MaTTHC": "LV-RES-URBAN", "TenTTHC": "Cấp điện mới", "MaLinhVuc": "LV",
        "NgayTiepNhan": "20170710090000", "NgayHenTra": "20170713170000", "NgayKetThucXuLy": "20170712090000",
        "NgayTra": "20170714090000", "TrangThaiHoSo": 10, "HinhThuc": 1, "DonViXuLy": "PAC-193",
    }  # fmt: skip
