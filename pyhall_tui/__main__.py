"""`python -m pyhall_tui` is the same program as `pyhall-tui`."""

from pyhall_tui.cli import main

if __name__ == "__main__":
    main()
