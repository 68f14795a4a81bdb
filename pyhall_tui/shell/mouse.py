"""Gives the mouse to the terminal and takes it back. While the terminal has it, text is selected as in a shell."""

from textual.app import App
from textual.driver import Driver


def is_the_terminals(driver: Driver | None) -> bool:
    """Whether the terminal has the mouse now."""
    return driver is not None and not driver._mouse


def give_to_terminal(app: App[None]) -> None:
    """Ask for no mouse events any more. It stays so after a stop (ctrl+z), because Textual looks at `_mouse`."""
    driver = app._driver
    if driver is None:
        return
    if (disable := getattr(driver, "_disable_mouse_support", None)) is not None:
        disable()
    driver._mouse = False
    app.notify("The mouse selects text now. M takes it back.", timeout=8, markup=False)
    _show_keys_again(app)


def take_from_terminal(app: App[None]) -> None:
    """Ask for mouse events again."""
    driver = app._driver
    if driver is None:
        return
    driver._mouse = True
    if (enable := getattr(driver, "_enable_mouse_support", None)) is not None:
        enable()
    app.notify("The mouse clicks again.", timeout=3, markup=False)
    _show_keys_again(app)


def _show_keys_again(app: App[None]) -> None:
    """Let the foot of every screen say what the key does now, those below a dialog and those hidden too."""
    for stack in app._screen_stacks.values():
        for screen in stack:
            screen.refresh_bindings()
