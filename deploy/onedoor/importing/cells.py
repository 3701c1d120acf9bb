"""What stands in a cell, read as the mapping declares it: numbers, instants and days. Pure."""

import re
from datetime import UTC, date, datetime, tzinfo
from typing import Final

from events.instants import parse_instant

DIGITS: Final = 15  # of a number: what every reader of JSON holds exactly
SPACES: Final = "[ \u00a0\u202f]"  # all that is written between thousands where that is a space
DIRECTIVE: Final = re.compile(r"%(.)")
DAY: Final = frozenset("djxcaAuw")
YEAR: Final = frozenset("YyGxc")
HOUR: Final = frozenset("HIXc")
PROBE: Final = datetime(2017, 11, 23, 15, 47, tzinfo=UTC)  # written and read by a format, it shows what gets lost
HALF: Final = re.compile(r"\b(?:(SA)|CH)\b", re.IGNORECASE)  # sáng, chiều: before and after noon
LONG_FRACTION: Final = re.compile(r"([.,][0-9]{6})[0-9]+")
RFC_3339: Final = re.compile(r"([0-9-]+[Tt ][0-9]{2}:[0-9]{2})(:[0-9.]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})?")


def check_format(format: str, *, day: bool) -> None:
    """Raises ValueError: a time cannot be read by this format of strptime, or would be read as another."""
    said = set(DIRECTIVE.findall(format))
    if not said & DAY:
        raise ValueError(f"{format!r} says no day; name its column too, as in column: [Ngày, Giờ]")
    if not said & YEAR:
        raise ValueError(f"{format!r} says no year")
    if not said & HOUR and not day:
        raise ValueError(f"{format!r} says no hour; where only the day is known, say `day: true`")
    if "p" in said and "I" not in said:
        raise ValueError(f"{format!r}: %p goes with %I, the hour on a dial of twelve")
    if "I" in said and not said & {"p", "H"} and not day:
        raise ValueError(
            f"{format!r}: %I, the hour on a dial of twelve, goes with %p (SA and CH, AM and PM); write %H for one of 24"
        )
    if "Z" in said:
        raise ValueError(
            f"{format!r}: %Z, a zone's name, says no offset; write the name itself there and `zone: +07:00` in the "
            "mapping, or export offsets, which %z reads"
        )
    try:
        read = datetime.strptime(PROBE.strftime(format), format)  # noqa: DTZ007
    except ValueError as broken:
        raise ValueError(
            f"{format!r} is no format of strptime: {broken}; write its directives, as in %d/%m/%Y %H:%M"
        ) from None
    if read.date() != PROBE.date():
        raise ValueError(f"{format!r} says no whole day; name year, month and day, as in %d/%m/%Y")


def read_number(text: str, decimal: str | None, thousands: str | None) -> int | float:
    """A number by its signs, whole where it is. Without a decimal sign it has to be whole. Raises ValueError."""
    groups = ""
    if thousands is not None:
        groups = f"(?:{SPACES if thousands == ' ' else re.escape(thousands)}[0-9]{{3}})+"
    whole = f"[0-9]{{1,3}}{groups}|[0-9]+" if groups else "[0-9]+"
    fraction = f"(?:{re.escape(decimal)}([0-9]+))?" if decimal else "()"
    matched = re.fullmatch(f"([+-]?)({whole}){fraction}", text)
    if matched is None:
        raise ValueError("no number as it is declared")
    digits, rest = re.sub("[^0-9]", "", matched[2]), matched[3] or ""
    if len(digits) + len(rest) > DIGITS:
        raise ValueError(f"a number of more than {DIGITS} digits")
    value = float(f"{digits}.{rest}") if rest.strip("0") else int(digits)
    return -value if matched[1] == "-" else value


def read_instant(text: str, format: str | None, zone: tzinfo) -> datetime:
    """An instant by a format of strptime, or by RFC 3339, where seconds and offset may be left out. Raises ValueError.

    `zone` counts where no offset stands in it.
    """
    if format is not None:
        at = _by_format(text, format)
        return at if at.tzinfo else at.replace(tzinfo=zone)
    matched = RFC_3339.fullmatch(text)
    if matched is None:
        raise ValueError("no instant by RFC 3339")
    at = parse_instant(f"{matched[1]}{matched[2] or ':00'}{matched[3] or 'Z'}")
    return at if matched[3] else at.replace(tzinfo=zone)


def read_day(text: str, format: str | None) -> date:
    """A day by a format of strptime, or as in 2017-07-10. Raises ValueError."""
    return _by_format(text, format or "%Y-%m-%d").date()


def _by_format(text: str, format: str) -> datetime:
    said = set(DIRECTIVE.findall(format))
    if "p" in said:
        text = HALF.sub(lambda half: "AM" if half[1] else "PM", text)
    if "f" in said:
        text = LONG_FRACTION.sub(r"\1", text)  # %f takes six digits; some systems write seven
    return datetime.strptime(text, format)  # noqa: DTZ007
