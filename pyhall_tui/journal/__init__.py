"""What is kept: SQLite, written by one thread."""
