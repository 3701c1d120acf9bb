"""`onedoor import`: the rows of an exported table, said through the gateway as events by a declared mapping.

import_         the command
mapping         the file that says which columns tell which events
rows            a row → its events
gateway_client  posts events in batches
progress        how far an import has come
"""
