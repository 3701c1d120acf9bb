"""The shape of every command: errors of ours are one line and an exit code, never a traceback."""

import sys
from collections.abc import Callable
from typing import Any

import typer

from events.errors import OnedoorError
from events.text_safety import printable
from local.errors import AlreadyRunning

FAILED, ALREADY_RUNNING = 1, 3
TOLERATED, REJECTED = 4, 5  # what others send: worth a look, or refused


class App(typer.Typer):
    """Typer, with our errors said plainly."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return plainly(lambda: super(App, self).__call__(*args, **kwargs))


def plainly(work: Callable[[], Any]) -> Any:
    """Run it; end the process with one line on stderr when it raises an error of ours."""
    try:
        return work()
    except OnedoorError as error:
        print("onedoor:", "\n".join(map(printable, str(error).split("\n"))), file=sys.stderr)
        sys.exit(ALREADY_RUNNING if isinstance(error, AlreadyRunning) else FAILED)
