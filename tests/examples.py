"""How many examples a property is tried with: few on a developer's machine, all of them in CI (`CI=true`).

No example has a deadline: on a busy machine it says nothing about the program.
"""

import os

from hypothesis import HealthCheck, settings

ALL = os.environ.get("CI", "").lower() in ("1", "true")
"""Whether this is CI, where everything is tried in full."""
_FEW = 4


def examples(count: int = 100) -> int:
    """Return how many to try of a property that is worth `count` of them in CI."""
    return count if ALL else max(5, count // _FEW)


def use_examples() -> None:
    """Set it for every property that names no count of its own."""
    settings.register_profile(
        "pyhall",
        max_examples=examples(),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("pyhall")
