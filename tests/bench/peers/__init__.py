"""Our rebuild beside stream processors that others wrote: one log, the same rows, one run."""
