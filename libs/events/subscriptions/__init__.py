"""Readers of a log: followers with a checkpoint, policies, and how they are woken."""
