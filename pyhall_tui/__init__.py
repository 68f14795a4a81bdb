"""pyhall-tui: an operations dashboard for PyHall in the terminal."""


def __getattr__(name: str) -> str:
    """Return `__version__`, looked up at its first use: the first frame does without it."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = version = _built_version()
    return version


def _built_version() -> str:
    """Return the version that the build took from the tag; a tree that was not built asks the installed package."""
    try:
        from pyhall_tui._version import VERSION
    except ModuleNotFoundError:
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("pyhall-tui")
        except PackageNotFoundError:
            return "0+unknown"
    return str(VERSION)
