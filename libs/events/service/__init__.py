"""What runs a service, and what brings it back after a restore."""
