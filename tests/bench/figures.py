"""How figures are printed: every run, the median, the ratio of medians."""

from collections.abc import Sequence
from statistics import median


def line(name: str, rates: Sequence[float], unit: str) -> float:
    """Print one side; returns its median."""
    middle = median(rates)
    runs = ", ".join(f"{rate:,.0f}" for rate in rates)
    print(f"  {name:<34} {middle:>12,.0f} {unit}   ({runs})")
    return middle


def ratio(ours: float, theirs: float, wanted: str) -> None:
    print(f"  {'ratio':<34} {ours / theirs:>12.2f}          (wanted: {wanted})")
