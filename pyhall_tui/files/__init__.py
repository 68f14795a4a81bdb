"""Files on disk: written whole and privately, locked, read within limits; drafts and notes between runs."""
