"""The verbs of `onedoor`, one module each."""
