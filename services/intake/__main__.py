"""`python -m intake`: run the door until SIGTERM; its other words are in events/service/main.py."""

from events.service.main import main
from events.settings import Settings
from intake.app import service

if __name__ == "__main__":
    settings = Settings()
    main(service(settings), settings)
