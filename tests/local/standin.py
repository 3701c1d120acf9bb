"""A service that does nothing but answer: what the stack and the operator's command need of one.

`python -m standin` runs it; it says what it was told by its environment, and how it was ended.
"""

import os
import sys

from aiohttp import web

from local.server import serve

SHOWN = ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "OIDC_ISSUER", "ONEDOOR_CLOCK", "ONEDOOR_TOPIC_PREFIX",
         "ONEDOOR_CATALOGUE", "ONEDOOR_EMITTERS", "FILES_URL", "ZALO_API_URL", "ZALO_REFRESH_TOKEN")  # fmt: skip


async def ready(_: web.Request) -> web.Response:
    return web.json_response({"followers": True, "kafka": True})


async def followers(_: web.Request) -> web.Response:
    one = {
        "name": "relay",
        "shard": 0,
        "behind_events": 7,
        "behind_seconds": 0.5,
        "trouble": None,
        "paused_by": None,
        "paused_at": None,
        "paused_why": None,
    }
    return web.json_response({"followers": [one], "parked": 0, "horizon_seconds": 0.0})


async def rebuilds(_: web.Request) -> web.Response:
    run = {"id": 1, "state": "live", "phase": "live", "started_at": "2017-07-01T00:00:00Z", "finished_at": None}
    return web.json_response([run])


async def seals(_: web.Request) -> web.Response:
    return web.json_response({"seals": []})


async def told(_: web.Request) -> web.Response:
    return web.json_response({name: os.environ.get(name) for name in SHOWN})


async def ended(_: web.Application) -> None:
    print("ended in peace", flush=True)


def main() -> None:
    application = web.Application()
    answers = {
        "/health/ready": ready, "/followers": followers, "/rebuilds": rebuilds, "/record/seals": seals, "/told": told,
    }  # fmt: skip
    application.add_routes([web.get(path, answer) for path, answer in answers.items()])
    application.on_cleanup.append(ended)
    if os.environ.get("STANDIN_FAILS"):
        sys.exit("cannot start: told to fail")
    serve(application, os.environ["ONEDOOR_HOST"], int(os.environ["ONEDOOR_PORT"]))


if __name__ == "__main__":
    main()
