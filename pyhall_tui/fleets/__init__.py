"""All open profiles: the one on the screen, and those of the overview beside it."""
