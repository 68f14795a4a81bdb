"""Where the program starts, as `pyhall-tui` and as `python -m pyhall_tui`; `main` is the console script's entry."""

import _signal as signal  # type: ignore[import-not-found] # built in: `signal` would import others first
import os

_INTERRUPTED = 128 + signal.SIGINT


def _end_at_once(number: int, frame: object) -> None:
    os._exit(_INTERRUPTED)


# While our modules are imported, and after the end, ctrl+c has nothing to end cleanly, and Python would print a
# traceback. If it is ignored, as in a shell's background job, it stays ignored.
_OURS = signal.getsignal(signal.SIGINT) is signal.default_int_handler
if _OURS:
    signal.signal(signal.SIGINT, _end_at_once)

from pyhall_tui import cli  # noqa: E402 - a ctrl+c is quiet by now


def main() -> None:
    """Run the program; the exit code says how it went."""
    try:
        if _OURS:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        cli.main()
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None
    finally:
        if _OURS:
            signal.signal(signal.SIGINT, _end_at_once)


if __name__ == "__main__":
    main()
