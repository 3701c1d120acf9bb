"""Evidence for outsiders: seals of days over all events, proofs, and bundles that a verifier checks."""
