"""pyhall-tui: an operations dashboard in the terminal for PyHall."""

__version__ = "0.1.0"
