"""`make mutants`: changes the arithmetic one token at a time and asks the pure tests to notice; lists what they let by.

mutmut wants its code in `src` of the folder that it runs in, so a copy is laid out in `build/mutants`. Given names of
mutants (globs), those alone are tried again in the copy that is there, with the tests as they are now.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
STAGE = ROOT / "build" / "mutants"
CODE = ("libs/deadlines", "libs/events", "services/sla")
EXAMPLES = "10"  # of every law: the clean run of the chosen tests stays under 10 s
MUTMUT = str(Path(sys.executable).parent / "mutmut")
KILLED = {1: "killed", 3: "killed", 24: "timeout", -24: "timeout", 152: "timeout", 255: "timeout", 36: "timeout"}
"""Exit codes of a mutant's tests: one failed, or they no longer end."""


def lay_out() -> None:
    """The code and the tests where mutmut looks for them; dates of files are kept, so what is mutated stays so."""
    leave = shutil.ignore_patterns("__pycache__", ".hypothesis")
    for package in CODE:
        shutil.copytree(ROOT / package, STAGE / "src" / Path(package).name, dirs_exist_ok=True, ignore=leave)
    for folder in ("tests", "deploy"):
        shutil.copytree(ROOT / folder, STAGE / folder, dirs_exist_ok=True, ignore=leave)
    shutil.copy2(ROOT / "tests" / "mutants" / "mutmut.toml", STAGE / "pyproject.toml")


def mutmut(*arguments: str) -> str:
    """What one mutmut command prints."""
    done = subprocess.run([MUTMUT, *arguments], cwd=STAGE, check=True, capture_output=True, text=True)
    return done.stdout


def report() -> str:
    """Counts of every file, then each mutant that lives, as the change that nobody noticed."""
    counts, alive = ["| file | mutants | killed | share |", "|---|---:|---:|---:|"], []
    for meta in sorted(STAGE.glob("mutants/src/*/*.py.meta")):
        codes = json.loads(meta.read_text("utf-8"))["exit_code_by_key"]
        codes = {key: code for key, code in codes.items() if code is not None}
        if not codes:
            continue
        said = Counter(code in KILLED for code in codes.values())
        name = meta.relative_to(STAGE / "mutants" / "src").with_suffix("")
        counts.append(f"| {name} | {len(codes)} | {said[True]} | {said[True] / len(codes):.1%} |")
        alive += [key for key, code in codes.items() if code not in KILLED]
    shown = [f"## {key}\n\n```diff\n{mutmut('show', key).strip()}\n```" for key in alive]
    return "\n\n".join(["# Mutants", "\n".join(counts), *shown]) + "\n"


def main() -> int:
    """Everything anew, or the named mutants again."""
    names = sys.argv[1:]
    if not names:
        shutil.rmtree(STAGE, ignore_errors=True)
    lay_out()
    run = subprocess.run(
        [MUTMUT, "run", *names], cwd=STAGE, env={**os.environ, "ONEDOOR_EXAMPLES": EXAMPLES}, check=False
    )
    if run.returncode == 0:
        place = STAGE / "report.md"
        place.write_text(report(), "utf-8")
        print(f"{place.relative_to(ROOT)}: what lives, and the counts")
    return run.returncode


if __name__ == "__main__":
    sys.exit(main())
