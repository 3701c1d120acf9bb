"""`onedoor token`: a token to try the APIs with."""

import asyncio
from typing import Annotated

import typer

from local.places import home
from onedoor.client import OPERATOR, session


def token(
    client: Annotated[str, typer.Argument(help="Who you are: <role>.<unit>, as in receptionist.PAC-193.")] = OPERATOR,
) -> None:
    """Print a token of the running system's issuer, for `Authorization: Bearer` or the Authorize button of /docs.

    \b
    onedoor token receptionist.PAC-193
    curl -H "Authorization: Bearer $(onedoor token)" http://127.0.0.1:8104/overdue
    """
    print(asyncio.run(_ask(client)))


async def _ask(client: str) -> str:
    async with session(home(), client=client) as opened:
        return opened.token
