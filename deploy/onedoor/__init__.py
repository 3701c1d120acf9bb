"""The operator's command. It starts a whole system on this machine, and speaks to running services over HTTP.

__main__    the commands, wired
up down status token demo explain whatif    one command each
client      a session with the services, with an operator's token
screen      how progress and addresses look
"""
