"""What codes are called, in Vietnamese and English, and the sentences and pages that are made of them. Pure."""
