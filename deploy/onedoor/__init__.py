"""The operator's command. It starts a whole system on this machine, and speaks to running services over HTTP.

__main__    the commands, wired
up down status token demo explain whatif    one command each
rebuild runs    groups of commands: `sla …`, `runs …`
contracts   the published language of a checkout: `contracts …`
conform     a recorded stream, judged beforehand; recorded: where it comes from
importing   a table, said through the gateway
watch       a run until it has ended, with a bar
client      a session with the services, with an operator's token
screen      how progress and addresses look
"""
