"""Names the commands and opens the app; imports nothing heavy."""


def main() -> None:
    """Run the program."""
    raise SystemExit(64)
