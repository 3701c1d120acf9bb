"""`onedoor`, or `python -m onedoor`: the commands, wired."""

from onedoor.app import App
from onedoor.conform import conform
from onedoor.contracts import contracts
from onedoor.db import db
from onedoor.demo import demo
from onedoor.down import down
from onedoor.events import events
from onedoor.evidence import evidence
from onedoor.explain import explain
from onedoor.export import export
from onedoor.followers import followers
from onedoor.importing.import_ import import_
from onedoor.parked import parked
from onedoor.rebuild import sla
from onedoor.republish import republish
from onedoor.runs import runs
from onedoor.status import status
from onedoor.token import token
from onedoor.topics import segments
from onedoor.up import up
from onedoor.verify import verify
from onedoor.whatif import what_if

app = App(
    name="onedoor",
    help="Run a one-door system on this machine, and look after a running one.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(up)
app.command()(down)
app.command()(status)
app.command()(token)
app.command()(demo)
app.command()(explain)
app.command()(what_if)
app.command()(verify)
app.command()(evidence)
app.command()(export)
app.command()(republish)
events.command()(segments.export)
app.command()(conform)
app.command(name="import")(import_)
app.add_typer(events, name="events")
app.add_typer(sla, name="sla")
app.add_typer(runs, name="runs")
app.add_typer(parked, name="parked")
app.add_typer(followers, name="followers")
app.add_typer(db, name="db")
app.add_typer(contracts, name="contracts")

if __name__ == "__main__":
    app()
