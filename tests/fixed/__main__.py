"""`python tests/fixed`: how the cases of the fixed log differ from what was taken, column by column; 1 if any does.

`python tests/fixed --write` takes them anew, once every difference is wanted.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fixed import taken
from fixed.log import judged


def main() -> int:
    """Prints the differences, or what was taken."""
    parser = argparse.ArgumentParser(prog="python tests/fixed", description=__doc__)
    parser.add_argument("--write", action="store_true", help="take hashes and rows anew")
    asked = parser.parse_args()
    cases = list(judged())
    if asked.write:
        taken.write(cases)
        print(taken.sums(cases), end="")
        return 0
    count: Counter[str] = Counter()
    for case, changes in taken.differing(cases):
        count[case.told] += 1
        print(f"{case.case_id} ({case.part}, {case.told})")
        for one in changes:
            print(f"  {one.table} {one.key}{one.column and ' ' + one.column}: {one.before} → {one.after}")
    if not count:
        print("every case has the rows that were taken")
        return 0
    print(f"{count.total()} cases differ: {count['own']} own, {count['foreign']} foreign", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
