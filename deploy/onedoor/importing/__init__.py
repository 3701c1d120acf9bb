"""`onedoor import`: the rows of an exported table, said through the gateway as events by a declared mapping.

import_         the command
mapping         the file that says which columns tell which events
cells days      what stands in a cell: numbers, instants, days; when an event of a day happened
table_reader    a file → its rows, and what is no row
rows            a row → its events
comparison      the events against those of the table before: new, same, changed, gone
progress        the state file: what was sent, and how far an import has come
sending         what waits → the gateway, batch by batch
gateway_client  posts events, at the pace of the quota
report          what a person and a program are told
"""
