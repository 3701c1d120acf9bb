"""Working time and promises: what a limit, a pause and a calendar make of an instant.

Pure arithmetic over the catalogue of `deploy/catalogue` and what was published since. Only `load` reads files, and only
`inforce`, which keeps a running service's catalogue up to date, touches a database.
"""

import compiled

compiled.use(__name__, __path__)
