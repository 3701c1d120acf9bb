"""The one order of the events of a dossier, and how far a dossier has come. Pure; compiled where a compiler was."""

import compiled

compiled.use(__name__, __path__)
