"""The dispatch form: what is typed becomes a request, and a request what was typed."""

import msgspec
import pytest

from pyhall_tui.dispatch.form import DispatchForm, FormMistakes, context_mistake, filled


def form(**fields: str) -> DispatchForm:
    known = {"capability": "llm.text.generate", "worker_id": "wkr_abc123", "correlation_id": "req-1"}
    return DispatchForm(**(known | fields))


def test_a_filled_form_makes_the_documented_request() -> None:
    request = form().request("org.yourco")

    assert request.namespace == "org.yourco"
    assert request.context == {"risk_tier": "low", "correlation_id": "req-1"}


def test_no_tier_is_sent_if_none_is_chosen() -> None:
    assert form(risk_tier="none").request("org.yourco").context == {"correlation_id": "req-1"}


def test_more_context_goes_with_it() -> None:
    context = form(context='{"env": "prod", "nested": {"a": [1, null]}}').request("org.yourco").context

    assert context["env"] == "prod"
    assert context["nested"] == {"a": [1, None]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1, 2]", "a list"),
        ("{", "not valid JSON"),
        ('{"a": 1, "a": 2}', "twice"),
        ('{"risk_tier": "high"}', "field of its own"),
        ("quorum?/1", "not a JSON object"),
    ],
)
def test_a_context_that_cannot_be_sent_is_a_sentence(text: str, said: str) -> None:
    assert said in context_mistake(text)


def test_each_mistake_is_shown_at_its_field() -> None:
    with pytest.raises(FormMistakes) as raised:
        DispatchForm(context="no").request("org.yourco")

    assert set(raised.value.sentences) == {"capability", "worker_id", "correlation_id", "context"}


def test_a_profile_without_a_namespace_says_where_to_set_it() -> None:
    assert "PYHALL_NAMESPACE" in form().mistakes("")["namespace"]


def test_a_request_fills_the_form_that_made_it() -> None:
    typed = form(risk_tier="high", context='{\n  "env": "prod"\n}')

    request = typed.request("org.yourco")
    context = msgspec.json.encode(request.context)
    assert filled(capability=request.capability, worker_id=request.worker_id, context=context) == typed


def test_a_context_from_the_history_that_is_not_an_object_can_be_corrected() -> None:
    assert filled(capability="c", worker_id="w", context="{cut").context == "{cut"


def test_a_tier_that_is_not_known_stays_in_the_context() -> None:
    again = filled(capability="c", worker_id="w", context='{"risk_tier": "extreme"}')

    assert again.risk_tier == "none"
    assert "extreme" in again.context
