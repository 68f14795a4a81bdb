"""The wire: one shared async client, typed models, and an error class for everything that can go wrong."""
