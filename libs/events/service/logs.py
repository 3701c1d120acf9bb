"""Structured logs: one JSON object a line, with correlation, causation and case id where they are known."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

# The values of a row or of a form that errors quote: they may be somebody's name or phone.
VALUES = re.compile(r"^DETAIL:.*$|(?<=input_value=).*?(?=, input_type=)", re.MULTILINE)


def _without_values(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(event.get("exception"), str):
        event["exception"] = VALUES.sub("…", event["exception"])
    return event


def configure(service: str) -> None:
    """Send structlog's and the libraries' lines to standard output as JSON, without bodies and values in errors."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _without_values,
    ]

    def named(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        return {"service": service, **event}

    structlog.configure(
        processors=[*shared, named, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                named,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("uvicorn.error").setLevel(logging.INFO)
    theirs = logging.getLogger("faststream")  # comes with a handler of its own, in colours, on standard error
    theirs.handlers.clear()
    theirs.propagate = True
    theirs.setLevel(logging.WARNING)
