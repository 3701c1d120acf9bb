"""Why a dossier is judged as it is: shares of a delay, what was put right, its events, its timeline as a picture."""
