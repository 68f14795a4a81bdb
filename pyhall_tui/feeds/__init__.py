"""Rows that arrive live: held back while paused, filtered, limited in number."""
