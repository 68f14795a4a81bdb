"""The dispatch form: checks its fields, turns them into a request, and turns a request back into fields."""

from typing import Any, Final

import msgspec

from pyhall_tui.registry.decode import Unreadable, read_object
from pyhall_tui.registry.models import DispatchRequest

RISK_TIERS: Final = ("low", "medium", "high", "critical")
UNSTATED: Final = "none"
"""The choice for a dispatch without a tier."""
_OWN: Final = {"risk_tier": "the risk tier", "correlation_id": "the correlation id"}
_LONGEST: Final = 300


class FormMistakes(ValueError):
    """Why a form can't be sent: a sentence for each wrong field."""

    def __init__(self, sentences: dict[str, str]) -> None:
        super().__init__(" ".join(sentences.values()))
        self.sentences = sentences


class DispatchForm(msgspec.Struct, frozen=True, kw_only=True):
    """The fields as typed."""

    capability: str = ""
    worker_id: str = ""
    risk_tier: str = "low"
    """One of `RISK_TIERS`, or `UNSTATED`."""
    correlation_id: str = ""
    context: str = ""
    """More context, a JSON object as text; empty for none."""

    def request(self, namespace: str) -> DispatchRequest:
        """Return the request that this form sends.

        Raises:
            FormMistakes: it can't be sent as it is.
        """
        sentences = {name: said for name, said in self.mistakes(namespace).items() if said}
        if sentences:
            raise FormMistakes(sentences)
        context = read_context(self.context)
        if self.risk_tier != UNSTATED:
            context = {"risk_tier": self.risk_tier, **context}
        return DispatchRequest(
            namespace=namespace,
            capability=self.capability.strip(),
            worker_id=self.worker_id.strip(),
            context={**context, "correlation_id": self.correlation_id.strip()},
        )

    def mistakes(self, namespace: str) -> dict[str, str]:
        """Return a sentence for each field; empty if nothing is wrong."""
        return {
            "namespace": "" if namespace else "The profile has no namespace: set it there, or set PYHALL_NAMESPACE.",
            "capability": _name(self.capability, "Enter a capability, for example llm.text.generate."),
            "worker_id": _name(self.worker_id, "Enter a worker id, for example wkr_abc123."),
            "risk_tier": _tier(self.risk_tier),
            "correlation_id": _name(self.correlation_id, "Enter an id, or press “new” for one."),
            "context": context_mistake(self.context),
        }


def read_context(text: str) -> dict[str, Any]:
    """Return the context in `text`; an empty text is an empty context.

    Raises:
        Unreadable: it is not a JSON object, or a key appears twice in one.
    """
    return read_object(text.encode()) if text.strip() else {}


def context_mistake(text: str) -> str:
    """Return what is wrong with the typed context as a sentence, or an empty text."""
    try:
        context = read_context(text)
    except Unreadable as reason:
        return f'This is not a JSON object, such as {{"env": "prod"}}: {reason}.'
    except UnicodeEncodeError:
        return "This contains a character that cannot be sent."
    twice = [words for key, words in _OWN.items() if key in context]
    return f"Leave {' and '.join(twice)} out of it: it has a field of its own." if twice else ""


def filled(*, capability: str, worker_id: str, context: str | bytes) -> DispatchForm:
    """Return the form for these and a sent context; one that is not an object stays as it is, to be corrected."""
    raw = context.encode() if isinstance(context, str) else context
    try:
        more = read_object(raw) if raw.strip() else {}
    except Unreadable:
        return DispatchForm(capability=capability, worker_id=worker_id, context=raw.decode(errors="replace"))
    tier = more.get("risk_tier", UNSTATED)
    own = {"correlation_id"}
    if tier in (*RISK_TIERS, UNSTATED):
        own.add("risk_tier")
    else:
        tier = UNSTATED
    rest = {key: value for key, value in more.items() if key not in own}
    return DispatchForm(
        capability=capability,
        worker_id=worker_id,
        risk_tier=tier,
        correlation_id=str(more.get("correlation_id") or ""),
        context=msgspec.json.format(msgspec.json.encode(rest), indent=2).decode() if rest else "",
    )


def _name(text: str, missing: str) -> str:
    name = text.strip()
    if not name:
        return missing
    if not name.isprintable():
        return "This contains an invisible character: type it again."
    return f"This is longer than {_LONGEST} characters." if len(name) > _LONGEST else ""


def _tier(tier: str) -> str:
    known = (*RISK_TIERS, UNSTATED)
    return "" if tier in known else f"The risk tier must be one of {', '.join(known)}."
