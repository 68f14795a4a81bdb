"""pyhall-tui: an operations dashboard for PyHall in the terminal."""

__version__ = "0.1.0"
