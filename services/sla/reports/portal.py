"""A dossier as the national public-service portal (DVCQG) wants it: a pure mapping of what the judge says of it.

Field names are those of `DongBoHoSoMC`; there is no connection to the portal here. What is personal (ChuHoSo, Email,
SoDienThoai) is intake's and stays there.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from deadlines.instants import OFFSET
from sla.judging.rows import CycleRow

Status = Literal[2, 3, 4, 5, 6, 7, 8, 9, 10]
"""2 received, 3 not received, 4 in process, 5 supplement asked, 6 obligation (payment, signature), 7 withdrawn,
8 stopped, 9 processed, 10 result handed over. 1, newly registered, is a submission's and no dossier's."""

OBLIGATIONS: Final = frozenset({"payment", "signature", "contract-signature"})
"""Customer actions that the portal calls a financial obligation or a signature to give."""

CHANNEL: Final = {"counter": 1, "hotline": 1, "online": 2, "zalo": 2, "post": 3}
"""HinhThuc: 1 direct, 2 online, 3 by post."""

_ENDED: Final[dict[str, Status]] = {"refused": 3, "withdrawn": 7, "stopped": 8, "released": 9, "closed": 10}


def status(row: CycleRow) -> Status:
    """TrangThaiHoSo of a cycle."""
    if row.outcome == "open":
        if row.waiting_for == "supplement":
            return 5
        if row.waiting_for in OBLIGATIONS:
            return 6
        return 2 if row.step == "reception" and row.waiting_for is None else 4
    return 10 if row.closed_at is not None else _ENDED[row.outcome]


def fields(row: CycleRow, name: str | None) -> dict[str, Any]:
    """The fields of one dossier; `name` is its service's. Instants are local, as yyyyMMddHHmmss.

    Processing ends with the result or without one; the customer's collecting it is NgayTra.
    """
    return {
        "MaHoSo": row.case_id,
        "MaTTHC": row.service.partition("@")[0] if row.service else None,
        "TenTTHC": name,
        "MaLinhVuc": row.field,
        "NgayTiepNhan": _local(row.received_at),
        "NgayHenTra": _local(row.due_at),
        "NgayKetThucXuLy": _local(row.ended_at),
        "NgayTra": _local(row.closed_at),
        "TrangThaiHoSo": status(row),
        "HinhThuc": CHANNEL.get(row.channel, 1),
        "DonViXuLy": row.unit,
    }


def case(cycles: Sequence[CycleRow], name: str | None) -> dict[str, Any]:
    """The fields of a dossier: the portal knows one run of it, the last."""
    return fields(cycles[-1], name)


def _local(instant: datetime | None) -> str | None:
    return None if instant is None else f"{instant + timedelta(seconds=OFFSET):%Y%m%d%H%M%S}"
