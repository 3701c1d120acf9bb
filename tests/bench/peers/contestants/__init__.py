"""One program a side. Each is run by itself, most of them in the peers' own environment, so none imports the house."""
