"""What is stored: SQLite, written by one thread."""
