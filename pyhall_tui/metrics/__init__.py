"""Metrics for Prometheus: its text format, and a small server for `/metrics`. The watcher and the hall both use it."""
