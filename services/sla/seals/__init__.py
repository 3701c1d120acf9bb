"""Sealed periods, their restatements, and the remedial actions that follow from them."""
