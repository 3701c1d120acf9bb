"""What `python -m <service>` does: run until SIGTERM; with the word `adopt`, see to a log that was restored instead;
with the word `openapi`, say its HTTP as a document."""

import dataclasses
import sys
from collections.abc import Sequence

import msgspec
import uvloop

from events.errors import OnedoorError
from events.http.openapi import as_text
from events.service.adopt import adopt
from events.service.runtime import Service, run, told
from events.settings import Settings

USAGE = "the words that it knows are: adopt [--dry-run], openapi"


def main(service: Service, settings: Settings, words: Sequence[str] | None = None) -> None:
    """Run the service; or adopt its log and say in JSON what was found; or print its OpenAPI document, which needs no
    other part. Exit 1 with one line when it may not be."""
    words = sys.argv[1:] if words is None else words
    try:
        if not words:
            uvloop.run(run(service, settings))
        elif words[0] == "adopt" and set(words[1:]) <= {"--dry-run"}:
            done = uvloop.run(adopt(service, settings, dry_run="--dry-run" in words))
            sys.stdout.write(msgspec.json.encode(dataclasses.asdict(done)).decode() + "\n")
        elif list(words) == ["openapi"]:
            sys.stdout.write(as_text(told(service, settings)))
        else:
            sys.stderr.write(f"{service.name}: {USAGE}\n")
            sys.exit(2)
    except OnedoorError as refusal:
        sys.exit(f"{service.name}: {refusal}")
