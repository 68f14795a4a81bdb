"""Fixtures of the whole suite.

- `hall`: a hall of its own for the test, on a free port of localhost, in memory, without a rate limit: a key of
  `org.yourco` and the worker `wkr_abc123` (active, attested, clean, may `llm.text.generate`). See `tests/live_hall.py`
  for what it offers, and for `live_hall(...)` where a test wants other options.
- `demo_hall`: the demo's fleet and policy, with nothing happening in it.
- `postgres`: a PostgreSQL server, one for each process that runs tests; its databases are emptied for each test.
"""

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from pyhall_tui.hall.demo import RunningDemo, start_demo
from pyhall_tui.logs import masking
from pyhall_tui.logs.secret_text import Secrets
from tests.examples import ALL, use_examples
from tests.garbage import collect_seldom, set_aside
from tests.live_hall import LiveHall, live_hall
from tests.parsed_css import share_parsed_css
from tests.postgres_cluster import Cluster, cluster


def let_programs_heed_signals() -> None:
    """Tests send signals to programs, which inherit what is ignored here, but not what is handled here."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a script starts its background jobs
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # by `nohup`, for these tests
        signal.signal(signal.SIGHUP, lambda number, frame: None)


let_programs_heed_signals()
share_parsed_css()
use_examples()
collect_seldom()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the thorough tests, unless this is CI, `-m` chooses, or the command line names files or tests."""
    if ALL or config.option.markexpr or any(".py" in arg for arg in config.args):
        return
    thorough = [item for item in items if item.get_closest_marker("thorough")]
    if thorough:
        config.hook.pytest_deselected(items=thorough)
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]


def pytest_xdist_auto_num_workers() -> int:
    """Run two workers per core: half of a test's time is spent waiting for a process or the disk."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_finish() -> None:
    """Set all tests and what they import aside: it is here to stay."""
    set_aside()


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a long value by its beginning and its length: there are some of megabytes, and each worker sends all ids."""
    if isinstance(val, str | bytes) and len(val) > 80:
        return f"{val[:40]!a} of {len(val)}"
    return None


@pytest.fixture(autouse=True)
def no_secrets_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test registers its own secrets: a long run would otherwise search every log line for thousands."""
    monkeypatch.setattr(masking, "registered", Secrets())


@pytest.fixture
def hall() -> Iterator[LiveHall]:
    with live_hall() as live:
        yield live


@pytest.fixture
def demo_hall() -> Iterator[RunningDemo]:
    with start_demo(lively=False) as demo:
        yield demo


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    with cluster() as running:
        yield running
