"""The port through which higher layers ask the registry, without knowing the connection."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from pyhall_tui.registry.client import RegistryClient

T = TypeVar("T")


class Ask(Protocol):
    """Runs one request on the registry's client and returns its answer, at once or in turn.

    Raises:
        RegistryError: as the client raises it.
    """

    def __call__(self, call: Callable[["RegistryClient"], Coroutine[Any, Any, T]], /) -> Coroutine[Any, Any, T]: ...
