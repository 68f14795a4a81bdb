"""Follows what stands: bands show it while it does, and the log of this run says when it began and when it was over."""

import re
from collections.abc import Iterable
from typing import Any, Final

from textual.app import App

from pyhall_tui.clock import Clock
from pyhall_tui.feeds.news import Tone
from pyhall_tui.feeds.run_log import RunLog

_NUMBER: Final = re.compile(r"\d[\d,]*")


class Standing:
    """Compares what stands with what stood before. A sentence that differs only in its numbers is the same one."""

    def __init__(self, app: App[Any], log: RunLog, clock: Clock) -> None:
        self._app, self._log, self._clock = app, log, clock
        self._stood: dict[str, str] = {}
        self._said: set[str] = set()

    def follow(self, sentences: Iterable[str]) -> None:
        """Log what is new among the sentences of the bands, and what is over."""
        stands = {_NUMBER.sub("", sentence): sentence for sentence in sentences}
        for key, sentence in stands.items():
            if key not in self._stood:
                self._log.fault(self._clock.now().wall, sentence, Tone.WARNING)
        for key, sentence in self._stood.items():
            if key not in stands:
                self._log.fault(self._clock.now().wall, f"Over: {sentence}", Tone.NOTE)
        self._stood = stands

    def say_once(self, sentences: Iterable[str]) -> None:
        """Say each new one of these, which have no band because nothing ends them, such as what is lost."""
        said = {_NUMBER.sub("", sentence): sentence for sentence in sentences}
        for key, sentence in said.items():
            if key not in self._said:
                self._app.notify(sentence, severity="warning", timeout=15, markup=False)
        self._said = set(said)
