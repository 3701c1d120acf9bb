"""PostgreSQL refuses to run as root, and containers run as root: then it runs as `nobody`."""

import os
import pwd
import stat
from pathlib import Path
from typing import TypedDict


class Owner(TypedDict, total=False):
    """The arguments of subprocess.run that set whose process it is."""

    user: int
    group: int
    extra_groups: list[int]


def uid_for_postgres() -> int | None:
    """The uid to give the server: none but our own, unless we are root."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def owner(uid: int | None) -> Owner:
    return Owner() if uid is None else Owner(user=uid, group=uid, extra_groups=[])


def let_pass(folder: Path) -> None:
    """Let other users go through a folder and those above it (not read them): the server must reach what is below.

    Only folders that forbid it are changed, and only by the search bit for others.
    """
    for place in (folder, *folder.parents):
        mode = place.stat().st_mode
        if not mode & stat.S_IXOTH:
            place.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
