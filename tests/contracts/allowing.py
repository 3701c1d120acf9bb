"""What deploy/kafka/acls.sh prints of a role."""

import shlex
import subprocess
from collections.abc import Iterator

from events.schemas.acls import SCRIPT
from local.places import CHECKOUT


def printed(role: str, principal: str, prefix: str = "") -> Iterator[list[str]]:
    """The command lines of a role, word by word."""
    words = ["bash", str(CHECKOUT / "deploy" / SCRIPT), role, principal]
    done = subprocess.run(
        words, env={"PATH": "/usr/bin:/bin", "PREFIX": prefix}, capture_output=True, text=True, check=True
    )
    yield from (shlex.split(line) for line in done.stdout.splitlines())
