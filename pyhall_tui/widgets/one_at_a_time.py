"""Work that a key or a button starts, and that must not start again while it is running.

Textual's own `exclusive` cancels the previous work: a second key would abort a request that the registry may already
have accepted, and send it again.
"""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

from textual.dom import DOMNode
from textual.worker import Worker

N = TypeVar("N", bound=DOMNode)
P = ParamSpec("P")
Work: TypeAlias = Coroutine[Any, Any, None]
Started: TypeAlias = Worker[None] | None
"""None if it was running already."""


def is_under_way(node: DOMNode, group: str) -> bool:
    """Whether work of that group is running for the node, counted from the moment it is started."""
    return any(work.node is node and work.group == group and not has_ended(work) for work in node.workers)


def has_ended(work: Worker[Any]) -> bool:
    """Whether work is over: Textual never calls work finished that was cancelled before its first step."""
    return work.is_finished or work.is_cancelled


def one_at_a_time(group: str) -> Callable[[Callable[Concatenate[N, P], Work]], Callable[Concatenate[N, P], Started]]:
    """Make a coroutine method start as background work, and do nothing while work of its group is running."""

    def decorate(method: Callable[Concatenate[N, P], Work]) -> Callable[Concatenate[N, P], Started]:
        def start(self: N, /, *args: P.args, **kwargs: P.kwargs) -> Started:
            if is_under_way(self, group):
                return None
            return self.run_worker(partial(method, self, *args, **kwargs), group=group, exit_on_error=False)

        start.__doc__ = method.__doc__
        return start

    return decorate
