"""`python -m local.zalo`, told by its environment."""

import os
from pathlib import Path

from local.server import serve
from local.zalo.journal import Journal
from local.zalo.server import Simulator
from local.zalo.webhook import Webhook


def main() -> None:
    env = os.environ
    webhook = Webhook(env["ZALO_WEBHOOK_URL"], env["ZALO_APP_ID"], env["ZALO_OA_ID"], env["ZALO_OA_SECRET"])
    simulator = Simulator(
        Journal(Path(env["ZALO_JOURNAL"])),
        webhook,
        app_secret=env["ZALO_APP_SECRET"],
        refresh_token=env["ZALO_REFRESH_TOKEN"],
        rate=int(env.get("ZALO_RATE_PER_MINUTE", "4000")),
    )
    serve(simulator.application(), env["ONEDOOR_HOST"], int(env["ONEDOOR_PORT"]))


if __name__ == "__main__":
    main()
