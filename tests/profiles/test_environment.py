"""Variables that override a profile, or replace one."""

import pytest

from pyhall_tui.profiles.environment import EnvironmentMistake, overridden, variables_in_force
from pyhall_tui.profiles.profile import Profile

LAB = Profile(name="lab", namespace="x.lab", registry_url="http://hall.example", poll_interval=5.0, allow_insecure=True)


def test_unset_or_empty_variables_change_nothing() -> None:
    assert overridden(LAB, {"PYHALL_NAMESPACE": "  ", "PYHALL_REGISTRY_URL": ""}) is LAB
    assert overridden(None, {"PYHALL_NAMESPACE": "org.acme"}) is None


def test_variables_override_only_what_they_name() -> None:
    environ = {"PYHALL_REGISTRY_URL": " https://API.example/ \r", "PYHALL_NAMESPACE": "org.acme"}
    profile = overridden(LAB, environ)
    assert (profile.name, profile.poll_interval) == ("lab", 5.0)
    assert (profile.registry_url, profile.namespace) == ("https://api.example", "org.acme")


def test_the_documentations_variable_counts_after_the_sdks() -> None:
    environ = {"PYHALL_REGISTRY": "https://docs.example", "PYHALL_API_KEY": "phk_live_x"}
    assert overridden(LAB, environ).registry_url == "https://docs.example"
    assert variables_in_force(environ) == ("PYHALL_REGISTRY", "PYHALL_API_KEY")
    environ["PYHALL_REGISTRY_URL"] = "https://sdk.example"
    assert overridden(LAB, environ).registry_url == "https://sdk.example"


def test_leave_for_plain_http_is_not_carried_to_another_origin() -> None:
    assert overridden(LAB, {"PYHALL_REGISTRY_URL": "http://hall.example/base"}).allow_insecure
    assert not overridden(LAB, {"PYHALL_REGISTRY_URL": "http://other.example"}).allow_insecure


def test_the_environment_makes_a_profile_by_itself() -> None:
    made = overridden(None, {"PYHALL_REGISTRY_URL": "http://127.0.0.1:8765", "PYHALL_NAMESPACE": "x.lab"})
    assert made == Profile(name="environment", namespace="x.lab", registry_url="http://127.0.0.1:8765")
    by_key = overridden(None, {"PYHALL_API_KEY": "phk_live_x"})
    assert by_key == Profile(name="environment", namespace="", registry_url="https://api.pyhall.dev")


@pytest.mark.parametrize(
    "environ", [{"PYHALL_REGISTRY": "api.pyhall.dev"}, {"PYHALL_REGISTRY_URL": "x"}, {"PYHALL_NAMESPACE": "acme"}]
)
def test_a_mistake_names_its_variable(environ: dict[str, str]) -> None:
    for profile in (LAB, None):
        with pytest.raises(EnvironmentMistake, match=next(iter(environ))):
            overridden(profile, environ | {"PYHALL_API_KEY": "phk_live_secret"})
