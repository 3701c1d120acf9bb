"""The gateway: the doors through which other systems say facts. Its rules are in events.gateway; here they are kept."""
