"""Reads the catalogue's folder. The only place in `deadlines` that touches a file."""

from pathlib import Path
from typing import Any

import yaml

from deadlines.catalogue import Catalogue
from deadlines.entries import CatalogueFile
from deadlines.errors import CatalogueError


class _OneKeyOnce(yaml.CSafeLoader):
    """YAML lets the second of two equal keys win in silence; here the file is refused."""


def _mapping(loader: _OneKeyOnce, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: list[Any] = []  # not a set: a key may be a list, which construct_mapping refuses with a sentence
    for key_node, _ in node.value:
        key = loader.construct_object(key_node)
        if key in seen:
            raise CatalogueError(f"line {key_node.start_mark.line + 1}: {key!r} is defined twice")
        seen.append(key)
    return loader.construct_mapping(node)


_OneKeyOnce.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load(folder: Path) -> Catalogue:
    """The catalogue in a folder of *.yaml files. Raises CatalogueError with a sentence naming file and field."""
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise CatalogueError(f"{folder}: there is no *.yaml file here; the catalogue of 2017 is in deploy/catalogue")
    return Catalogue({path.name: load_file(path) for path in paths})


def load_file(path: Path) -> CatalogueFile:
    """One file of a catalogue. Raises CatalogueError."""
    try:
        content = yaml.load(path.read_text("utf-8"), Loader=_OneKeyOnce)
    except CatalogueError as twice:
        raise CatalogueError(f"{path.name}: {twice}") from twice
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as broken:
        raise CatalogueError(f"{path.name}: {broken}") from broken
    return CatalogueFile.of(path.name, content)
