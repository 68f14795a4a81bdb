"""Gives the mouse to the terminal and takes it back. While the terminal has it, you can select text as in a shell."""

from textual.app import App

from pyhall_tui.textual_internals import all_screens, driver_of, has_mouse, turn_mouse
from pyhall_tui.widgets.key_bar import key_name


def is_the_terminals(app: App[None]) -> bool:
    """Whether the terminal has the mouse now."""
    driver = driver_of(app)
    return driver is not None and not has_mouse(driver)


def give_to_terminal(app: App[None]) -> None:
    """Stop asking for mouse events. This survives a stop (ctrl+z)."""
    driver = driver_of(app)
    if driver is None:
        return
    turn_mouse(driver, on=False)
    app.notify(
        f"The mouse selects text now. Press {key_name(app, 'app.take_mouse', 'M')} to use it here again.",
        timeout=8,
        markup=False,
    )
    _show_keys_again(app)


def take_from_terminal(app: App[None]) -> None:
    """Ask for mouse events again."""
    driver = driver_of(app)
    if driver is None:
        return
    turn_mouse(driver, on=True)
    app.notify("The mouse works here again.", timeout=3, markup=False)
    _show_keys_again(app)


def _show_keys_again(app: App[None]) -> None:
    """Update what the key bar of every screen says, including hidden screens and those below a dialog."""
    for screen in all_screens(app):
        screen.refresh_bindings()
