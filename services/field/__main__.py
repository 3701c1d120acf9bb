"""`python -m field`: run the field until SIGTERM."""

import uvloop

from events.runtime import run
from events.settings import Settings
from field.app import service

if __name__ == "__main__":
    settings = Settings()
    uvloop.run(run(service(settings), settings))
