"""Reads a file of rules that people keep by hand: YAML, in which no key may be written twice."""

from pathlib import Path
from typing import Any

import yaml

from events.errors import OnedoorError


class _OneKeyOnce(yaml.CSafeLoader):
    """YAML lets the second of two equal keys win in silence; here the file is refused."""


def _mapping(loader: _OneKeyOnce, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: list[Any] = []  # not a set: a key may be a list, which construct_mapping refuses with a sentence
    for key_node, _ in node.value:
        key = loader.construct_object(key_node)
        if key in seen:
            raise OnedoorError(f"line {key_node.start_mark.line + 1}: {key!r} is defined twice")
        seen.append(key)
    return loader.construct_mapping(node)


_OneKeyOnce.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read(path: Path) -> Any:
    """What the file says, as plain values. Raises OnedoorError with a sentence naming the file."""
    try:
        return yaml.load(path.read_text("utf-8"), Loader=_OneKeyOnce)
    except (OnedoorError, OSError, UnicodeDecodeError, yaml.YAMLError) as broken:
        raise OnedoorError(f"{path.name}: {broken}") from broken
