"""`python -m local.demo`: as `onedoor demo`, told by CASES and SEED."""

import asyncio
import os
import sys

from rich.console import Console

from events.errors import OnedoorError
from local.demo.proportions import CASES, SEED
from local.demo.run import demo
from local.stack import Step


def main() -> int:
    console = Console()

    def tell(part: str, step: Step, seconds: float) -> None:
        if step in ("ready", "given", "failed"):
            console.print(f"{part:9} {step} {seconds:.1f} s", highlight=False)

    try:
        cases, seed = int(os.environ.get("CASES", CASES)), int(os.environ.get("SEED", SEED))
        return asyncio.run(demo(cases, seed, console, tell))
    except OnedoorError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
