"""Made-up people. Every name carries "(mẫu)", every phone number begins with 0000, every street is called Mẫu."""

from random import Random
from typing import NamedTuple

MARK = "(mẫu)"
FAMILY = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi", "Đỗ", "Ngô")
MIDDLE = ("Văn", "Thị", "Minh", "Thanh", "Đức", "Ngọc", "Hữu", "Thu")
GIVEN = ("An", "Bình", "Chi", "Dũng", "Giang", "Hà", "Khánh", "Lan", "Mai", "Nam", "Oanh", "Phúc", "Quân", "Sơn", "Yến")


class Person(NamedTuple):
    """An applicant, as typed in at a counter or sent over Zalo. Only intake ever sees these fields."""

    name: str
    phone: str
    address: str


def person(chance: Random, number: int) -> Person:
    """The number-th made-up person; no two have the same phone number."""
    name = f"{chance.choice(FAMILY)} {chance.choice(MIDDLE)} {chance.choice(GIVEN)} {MARK}"
    return Person(name, f"0000{number:07d}", f"Số {number} đường Mẫu, tổ {chance.randint(1, 12)} {MARK}")


def zalo_id(number: int) -> str:
    """The Zalo account of a made-up customer."""
    return f"8800{number:08d}"
