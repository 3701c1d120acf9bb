"""Rules that are published or only supposed: what a calendar or a limit changes, before and after."""
