"""Putting a worker in the registry: drafts that survive, checks, batch."""
