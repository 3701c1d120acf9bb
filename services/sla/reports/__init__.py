"""The monthly record as documents: tables, CSV, XLSX, print, what its numbers open to, and answers as of a day."""
