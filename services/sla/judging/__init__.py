"""The judge: from the events of one dossier to its verdicts, clocks and ledger. Pure.

`arrangement` puts events in order and applies corrections, `judge` runs them through `case` and `cycle`,
`row_builder` makes the rows.
"""

import compiled

compiled.use(__name__, __path__)
