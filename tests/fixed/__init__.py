"""A log of events that stays as it is, and the judged rows of its cases: what every later judge is compared with."""
