"""The operator's command. It starts a whole system on this machine, and speaks to running services over HTTP.

__main__    the commands, wired
app         the shape of every command: errors of ours are one line and an exit code
verbs       one module per command or group of commands
importing   a table, sent to the gateway as events
exporting   dossiers as event logs for analysts
topics      records of topics, read and shown
client      a session with the services, with an operator's token
instants lines screen   how arguments are read and how output looks
verifier    what outsiders run to check evidence; it needs nothing but Python
"""
