"""Files on disk: written whole and privately, locked, read within bounds; drafts and notes between runs."""
