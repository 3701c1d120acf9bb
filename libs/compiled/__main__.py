"""`python -m compiled`: compile the modules of the judge for the sources that are there. Needs a C compiler."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from compiled import KEPT, MODULES, place, sources

BUILD = """
from mypyc.build import mypycify
from setuptools import setup
setup(name="onedoor", ext_modules=mypycify({arguments!r}, opt_level="2", group_name="onedoor"))
"""


def main() -> None:
    files, folder = sources(), place()
    if files is None or folder is None:
        raise SystemExit("nothing to compile: the packages sla and deadlines are not both here")
    if folder.is_dir():
        return
    if not shutil.which(os.environ.get("CC", "cc")):
        raise SystemExit("no C compiler (cc): everything runs as plain Python; on Debian: apt-get install gcc")
    sys.stdout.write("compiling the judge, half a minute …\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="onedoor-compiled-") as scratch:
        build, arguments = Path(scratch), ["--ignore-missing-imports"]
        arguments += [f"{module.replace('.', '/')}.py" for module in MODULES]
        tops = {file.parents[module.count(".") - 1] for module, file in zip(MODULES, files, strict=True)}
        for package in tops:
            shutil.copytree(package, build / package.name)
        (build / "setup.py").write_text(BUILD.format(arguments=arguments))
        known = os.pathsep.join(str(path) for path in {package.parent for package in tops})
        done = subprocess.run(
            [sys.executable, "setup.py", "build_ext", "--build-lib", "out"], cwd=build, check=False,
            capture_output=True, text=True, env={**os.environ, "MYPYPATH": known},
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}\nthe judge did not compile")
        shutil.rmtree(KEPT, ignore_errors=True)
        shutil.copytree(build / "out", folder)
    sys.stdout.write(
        f"compiled: {len(MODULES)} modules; what is edited is plain Python until the next `make compiled`\n"
    )


if __name__ == "__main__":
    main()
