"""Working time and promises: what a limit, a pause and a calendar make of an instant.

Hears nothing, says nothing: pure arithmetic over the catalogue of `deploy/catalogue`. Only `load` reads files.
"""
