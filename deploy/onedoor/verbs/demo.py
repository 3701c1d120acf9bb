"""`onedoor demo`: a quarter of one-door work, played through a system of its own."""

import sys
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from local.demo.proportions import CASES, SEED
from local.demo.run import demo as run
from onedoor.screen import Progress

WIDTH = 132  # characters of a line where there is no terminal


def demo(
    cases: Annotated[int, typer.Option(envvar="CASES", min=50, help="How many dossiers; fewer are quicker.")] = CASES,
    seed: Annotated[int, typer.Option(envvar="SEED", help="Another seed makes other dossiers.")] = SEED,
) -> None:
    """Play 3,187 dossiers from 10 July to 10 October 2017 and show the record, rebuilt from the log.

    Starts a system of its own in a folder beside the usual one, with the callers' clock, and plays
    counters, departments, teams, agencies and customers through the services' public doors. At the
    end: the record, a rebuild from Kafka, and an independent check of every verdict. On a terminal
    the system stays up until Ctrl-C; otherwise it exits, with 1 if anything disagrees.

    \b
    onedoor demo               the whole quarter
    onedoor demo --cases 300   a quick look
    """
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    sys.exit(uvloop.run(run(cases, seed, console, Progress(console))))
