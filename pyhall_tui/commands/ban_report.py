"""`pyhall-tui bans report HASH`: report a package hash for review, once."""

import json
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pyhall_tui import paths
from pyhall_tui.attest.hash_sender import HashSender
from pyhall_tui.attest.report_checks import mistake_of_link, mistake_of_reason
from pyhall_tui.attest.sent_reports import NotKept, SentReport, SentReports
from pyhall_tui.bans.pasted import sha256_in
from pyhall_tui.clock import SystemClock
from pyhall_tui.commands.banned_hash import ban_list_or_error, listing_line, look_up_answer
from pyhall_tui.commands.filled_options import FilledCommand
from pyhall_tui.commands.output import printable
from pyhall_tui.commands.session import NO, ask, fail, open_journal, open_profile, tell
from pyhall_tui.fleet.events import Event
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.render.package import READ_ONLY, earlier_report

if TYPE_CHECKING:
    from pyhall_tui.registry.client import RegistryClient

T = TypeVar("T")


@click.command("report", cls=FilledCommand)
@click.argument("sha256", metavar="HASH")
@click.option("--reason", required=True, metavar="TEXT", help="What it does, and where: for those who review it.")
@click.option("--link", default="", metavar="URL", help="Where the evidence is.")
@click.option("--yes", is_flag=True, help="Don't ask before sending.")
@click.option("--again", is_flag=True, help="Send it even if it was reported before, or may have been.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def report_command(
    ctx: click.Context, sha256: str, reason: str, link: str, yes: bool, again: bool, as_json: bool
) -> None:
    """Report a package hash for review. A report bans nothing by itself: people review it.

    It is sent once. Exit code 0: the registry accepted it. 1: nothing was sent, because it is on the ban list already
    or you said no. 2: it could not be sent, or nobody knows whether it arrived; the line on stderr says which.
    """
    bare = sha256_in(sha256)
    reason, link = reason.strip(), link.strip()
    for mistake, hint in (
        ("" if bare else "expected 64 hex digits, with or without a leading sha256:.", "HASH"),
        (mistake_of_reason(reason), "--reason"),
        (mistake_of_link(link), "--link"),
    ):
        if mistake:
            raise click.BadParameter(mistake, param_hint=hint)
    assert bare is not None
    profile = open_profile(ctx)
    if profile.read_only:
        fail(ctx, READ_ONLY)
    report = _Report(ctx, profile, bare, reason, link)
    if not again:
        report.stop_if_sent_before()
        report.stop_if_listed()
    if not yes:
        report.ask_first()
    report.send(again=again, as_json=as_json)


class _Report:
    """One report, from the command line to the registry."""

    def __init__(self, ctx: click.Context, profile: Profile, sha256: str, reason: str, link: str) -> None:
        self._ctx, self._profile = ctx, profile
        self._sha256, self._reason, self._link = sha256, reason, link
        self._clock = SystemClock()
        self._sent = SentReports(_state(ctx), profile.registry_url)

    def stop_if_sent_before(self) -> None:
        """End the command if this hash was reported, or may have been."""
        if earlier := self._sent.earlier(self._sha256):
            fail(self._ctx, f"{earlier_report(earlier)} Nothing was sent. To send it again, use --again.")

    def stop_if_listed(self) -> None:
        """End the command if the hash is banned already; a list that can't be read does not prevent the report."""
        listing = look_up_answer(self._sha256, ask(self._ctx, self._profile, ban_list_or_error))
        if listing.listed:
            click.echo(listing_line(listing))
            tell(self._ctx, "It is on the ban list already, so nothing was sent. To report it anyway, use --again.")
            raise SystemExit(NO)

    def ask_first(self) -> None:
        """Ask on the terminal; end the command if the answer is no, or there is none."""
        if not sys.stdin.isatty():
            raise click.UsageError(f"This would report {self._sha256}. There is no terminal to ask on, so use --yes.")
        production = ", which is marked as production" if self._profile.production else ""
        where = f"{self._profile.registry_url}{production}"
        question = f"Report {self._sha256} to {where}? Reason: {self._reason}"
        if not click.confirm(printable(question), err=True):
            raise SystemExit(NO)

    def send(self, *, again: bool, as_json: bool) -> None:
        """Send it once, note it, and print the answer."""
        try:
            answer = ask(self._ctx, self._profile, lambda client: self._send(client, again=again))
        except NotKept as error:
            fail(self._ctx, f"{error} Nothing was sent.")
        document = {"sha256": self._sha256, "reported": True, "correlation_id": answer.correlation_id}
        words = f"reported  {self._sha256}  {answer.correlation_id}"
        click.echo(json.dumps(document) if as_json else printable(words))

    async def _send(self, client: "RegistryClient", *, again: bool) -> SentReport:
        async def asked(call: Callable[["RegistryClient"], Coroutine[Any, Any, T]], /) -> T:
            return await call(client)

        sender = HashSender(
            self._clock,
            correlation_prefix=self._profile.correlation_prefix,
            ask=asked,
            verify_now=lambda _: None,
            take_events=self._keep,
        )
        return await sender.report_once(self._sent, None, self._sha256, self._reason, self._link, again=again)

    def _keep(self, events: list[Event]) -> None:
        """Record it in the app's activity. If the journal can't be written, the answer is still printed."""
        if (journal := open_journal()) is not None:
            with journal:
                for event in events:
                    journal.record_event(self._profile.name, event)


def _state(ctx: click.Context) -> Path:
    try:
        return paths.state_dir()
    except paths.NoFolder as error:
        fail(ctx, f"{error} Nothing was sent.")
