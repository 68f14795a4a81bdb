"""Workers' packages: their canonical hash, their files, and their changes on disk."""
