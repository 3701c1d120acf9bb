"""Records of topics as the command line reads, shows and exports them."""
