"""How our own small servers run: quietly, until they are told to end."""

from aiohttp import web


def serve(application: web.Application, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; answers under way get a second."""
    web.run_app(application, host=host, port=port, print=None, access_log=None, shutdown_timeout=1.0)
