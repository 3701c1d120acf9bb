"""The living tables: a projector judges what was heard, writes rows, publishes, and feeds the stream of changes.

The ticker turns instants that have passed into warnings and misses, as far as the watermarks of all sources reach.
"""
