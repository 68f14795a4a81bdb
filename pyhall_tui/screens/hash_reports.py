"""What sends package hashes for the screens of a profile, and what was sent before."""

from pyhall_tui.attest.hash_sender import HashSender
from pyhall_tui.attest.sent_reports import SentReports
from pyhall_tui.workspace import Workspace


def hash_sender(workspace: Workspace, *, in_turn: bool = False) -> HashSender:
    """Return what sends attestations and reports of package hashes: at once, or in turn, within the rate limit."""
    return HashSender(
        workspace.clock,
        correlation_prefix=workspace.profile.correlation_prefix,
        ask=workspace.connection.ask_in_turn if in_turn else workspace.connection.ask,
        verify_now=workspace.connection.verify_now,
        take_events=workspace.take_events,
    )


def sent_reports(workspace: Workspace) -> SentReports:
    """Return the package hashes that were reported to this registry."""
    return SentReports(workspace.state_folder, workspace.profile.registry_url)
