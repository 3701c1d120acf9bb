"""`make mutants`: changes the arithmetic one token at a time and asks the pure tests to notice; lists what they let by.

mutmut wants its code in `src` of the folder that it runs in, so a copy is laid out in `build/mutants`. Given names of
mutants (globs), those alone are tried again in the copy that is there, with the tests as they are now.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from mutmut.mutation.diff_apply import get_diff_for_mutant

ROOT = Path(__file__).parents[2]
STAGE = ROOT / "build" / "mutants"
CODE = ("libs/deadlines", "libs/events", "services/sla")
SETTINGS = {"ONEDOOR_EXAMPLES": "10", "CI": "true"}
"""Ten examples of every law, so that the chosen tests take under 10 s; hypothesis draws the same ones in a CI."""
MUTMUT = str(Path(sys.executable).parent / "mutmut")
KILLED = {1, 3, 24, -24, 36, 152, 255}
"""Exit codes of a mutant's tests: one failed (1, 3), or they no longer end (the rest). 33: no test reaches it."""


def lay_out() -> None:
    """The code and the tests where mutmut looks for them; dates of files are kept, so what is mutated stays so."""
    leave = shutil.ignore_patterns("__pycache__", ".hypothesis")
    for package in CODE:
        shutil.copytree(ROOT / package, STAGE / "src" / Path(package).name, dirs_exist_ok=True, ignore=leave)
    for folder in ("tests", "deploy"):
        shutil.copytree(ROOT / folder, STAGE / folder, dirs_exist_ok=True, ignore=leave)
    shutil.copy2(ROOT / "tests" / "mutants" / "mutmut.toml", STAGE / "pyproject.toml")


def report() -> str:
    """Counts of every file, then each mutant that lives, as the change that nobody noticed."""
    counts, alive = ["| file | mutants | killed | share |", "|---|---:|---:|---:|"], []
    for meta in sorted(Path("mutants/src").rglob("*.py.meta")):
        told = json.loads(meta.read_text("utf-8"))["exit_code_by_key"]
        codes = {key: code for key, code in told.items() if code is not None}
        if not codes:
            continue
        killed = sum(code in KILLED for code in codes.values())
        source = meta.relative_to("mutants").with_suffix("")
        counts.append(f"| {source.relative_to('src')} | {len(codes)} | {killed} | {killed / len(codes):.1%} |")
        for key, code in codes.items():
            if code not in KILLED:
                alive.append(f"## {key} ({code})\n\n```diff\n{get_diff_for_mutant(key, path=source).strip()}\n```")
    return "\n\n".join(["# Mutants", "\n".join(counts), *alive]) + "\n"


def main() -> int:
    """Everything anew, or the named mutants again."""
    names = sys.argv[1:]
    if not names:
        shutil.rmtree(STAGE, ignore_errors=True)
    lay_out()
    run = subprocess.run([MUTMUT, "run", *names], cwd=STAGE, env={**os.environ, **SETTINGS}, check=False)
    if run.returncode == 0:
        with contextlib.chdir(STAGE):
            Path("report.md").write_text(report(), "utf-8")
        print("build/mutants/report.md: the counts, and what lives")
    return run.returncode


if __name__ == "__main__":
    sys.exit(main())
