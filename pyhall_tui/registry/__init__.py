"""The wire: the one shared async client, typed models, an error class for each thing that goes wrong."""
