"""`onedoor`, or `python -m onedoor`: the commands, wired."""

from onedoor.app import App
from onedoor.importing.import_ import import_
from onedoor.topics import segments
from onedoor.verbs.conform import conform
from onedoor.verbs.contracts import contracts
from onedoor.verbs.db import db
from onedoor.verbs.demo import demo
from onedoor.verbs.down import down
from onedoor.verbs.events import events
from onedoor.verbs.evidence import evidence
from onedoor.verbs.explain import explain
from onedoor.verbs.export import export
from onedoor.verbs.followers import followers
from onedoor.verbs.parked import parked
from onedoor.verbs.rebuild import sla
from onedoor.verbs.republish import republish
from onedoor.verbs.runs import runs
from onedoor.verbs.status import status
from onedoor.verbs.token import token
from onedoor.verbs.up import up
from onedoor.verbs.verify import verify
from onedoor.verbs.whatif import what_if

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
