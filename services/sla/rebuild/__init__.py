"""A rebuild: workers read the log into a new generation, which is compared with the live one and takes its place.

`python -m sla.rebuild GENERATION` is the process; `api` begins, shows and ends it.
"""
