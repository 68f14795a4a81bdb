"""The thread that reads keys ends as soon as the app does."""

import asyncio
import os
import sys
import threading

import pytest

from pyhall_tui.textual_internals import HookedApp

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Textual's driver there waits in another way")


class App(HookedApp):
    """An app that is not run."""


async def test_the_thread_that_reads_keys_is_woken_when_it_should_end() -> None:
    """Textual's own waits until it looks the next time, and then waits again."""
    driver = App()._build_driver(headless=False, inline=False, mouse=False, size=(80, 24))
    assert not driver.is_headless
    selectors = sys.modules[type(driver).__module__].selectors
    ours, keys = os.pipe()
    selector = selectors.SelectSelector()
    selector.register(ours, selectors.EVENT_READ)
    os.write(keys, b"q")
    assert [key.fd for key, _ in selector.select(None)] == [ours]
    assert os.read(ours, 1) == b"q"
    waits = threading.Thread(target=selector.select, args=(None,), daemon=True)
    waits.start()
    driver.exit_event.set()  # type: ignore[attr-defined]
    await asyncio.to_thread(waits.join, 30)
    assert not waits.is_alive()
    selector.unregister(ours)
    assert selector.select(None) == []
    selector.close()
    selector.close()
    driver.exit_event.set()  # type: ignore[attr-defined]
    os.close(ours)
    os.close(keys)
