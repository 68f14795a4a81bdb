"""Numbers on the command line."""

import math
from typing import Any

import click


class RealNumber(click.FloatRange):
    """A number in a range. `nan` is not one, though it is neither below nor above anything."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, or end the command with a sentence."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number
