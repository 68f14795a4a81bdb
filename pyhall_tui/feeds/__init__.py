"""Rows that come as they happen: held back while paused, filtered, bounded."""
