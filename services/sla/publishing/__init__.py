"""Which verdicts, warnings and misses are published, once each. Pure.

`decide` and `state` are the deciders, `timers` says which instants of a judged dossier are warned of.
"""
