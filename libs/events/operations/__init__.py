"""What operators do to a running service (followers, parked records, lost topics), and the figures that tell of it."""
