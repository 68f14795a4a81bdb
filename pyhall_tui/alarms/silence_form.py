"""What you type to silence alarms, in the dialog or on the command line, and what is wrong with it."""

from typing import NamedTuple

from pyhall_tui.alarms.alarm import CONDITIONS
from pyhall_tui.alarms.silences import until
from pyhall_tui.profiles.profile import NAMESPACE

MOST = 256
"""Characters of a worker's id or a reason."""


class SilenceForm(NamedTuple):
    """The texts as typed."""

    worker: str = ""
    namespace: str = ""
    kind: str = ""
    until: str = ""
    reason: str = ""


class Wanted(NamedTuple):
    """What to silence, as arguments of `Alarms.silence`."""

    until: float
    reason: str
    worker: str
    namespace: str
    condition: str


class SilenceMistakes(ValueError):
    """A sentence for each wrong field of the form."""

    def __init__(self, by_field: dict[str, str]) -> None:
        super().__init__(" ".join(by_field.values()))
        self.by_field = by_field


def read(form: SilenceForm, now: float) -> Wanted:
    """Return what a form means at that wall time.

    Raises:
        SilenceMistakes: something is missing, or means nothing.
    """
    typed = SilenceForm(*(text.strip() for text in form))
    wrong = {}
    condition = CONDITIONS.get(typed.kind.lower().replace(" ", "_").replace("-", "_"))
    if typed.kind and condition is None:
        wrong["kind"] = f"There is no kind of alarm {typed.kind!r}; there are: {', '.join(CONDITIONS)}."
    if typed.namespace and not NAMESPACE.fullmatch(typed.namespace):
        wrong["namespace"] = "The namespace must be like org.yourco or x.you."
    if not (typed.worker or typed.namespace or typed.kind):
        wrong["worker"] = "Say what to silence: a worker (* for any characters), a namespace or a kind of alarm."
    wrong |= {name: f"At most {MOST} characters." for name in ("worker", "reason") if len(getattr(typed, name)) > MOST}
    at = 0.0
    try:
        at = until(typed.until, now)
    except ValueError as mistake:
        wrong["until"] = str(mistake)
    if wrong:
        raise SilenceMistakes(wrong)
    return Wanted(at, typed.reason, typed.worker, typed.namespace, condition.value if condition else "")
