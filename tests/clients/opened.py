"""What pm4py finds in an exported log. Run in an environment of its own: pm4py's licence is not ours.

python opened.py ocel|xes FILE
"""

import json
import sys

import pm4py  # type: ignore[import-not-found]

form, file = sys.argv[1:]
if form == "ocel":
    log = pm4py.read_ocel2_json(file)
    dossiers = log.objects[log.objects["ocel:type"] == "dossier"]
    found = {"events": len(log.events), "objects": len(log.objects), "dossiers": len(dossiers)}
    pm4py.discover_ocdfg(log)
else:
    log = pm4py.read_xes(file)
    found = {"events": len(log), "dossiers": log["case:concept:name"].nunique()}
    pm4py.discover_dfg(log)
print(json.dumps(found))
