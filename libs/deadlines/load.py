"""Reads the catalogue's folder. The only place in `deadlines` that touches a file."""

from pathlib import Path

from deadlines.catalogue import Catalogue
from deadlines.entries import CatalogueFile
from deadlines.errors import CatalogueError
from events import yaml_file
from events.errors import OnedoorError


def load(folder: Path) -> Catalogue:
    """The catalogue in a folder of *.yaml files. Raises CatalogueError with a sentence naming file and field."""
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise CatalogueError(f"{folder}: there is no *.yaml file here; the catalogue of 2017 is in deploy/catalogue")
    return Catalogue({path.name: load_file(path) for path in paths})


def load_file(path: Path) -> CatalogueFile:
    """One file of a catalogue. Raises CatalogueError."""
    try:
        content = yaml_file.read(path)
    except OnedoorError as broken:
        raise CatalogueError(str(broken)) from broken
    return CatalogueFile.of(path.name, content)
