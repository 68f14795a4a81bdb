"""Enrolling workers: drafts that survive, checks, batches."""
