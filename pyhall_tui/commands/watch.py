"""`pyhall-tui watch`: the engine, the journal and the alarms without a screen."""

import asyncio
import socket
import sys
from contextlib import suppress
from typing import Final

import click

from pyhall_tui.clock import SystemClock
from pyhall_tui.commands import completed
from pyhall_tui.commands.real_number import RealNumber
from pyhall_tui.commands.session import FAILED, fail, start_log, tell
from pyhall_tui.metrics.address import REMOTE, NotServed, Refused, listen, url
from pyhall_tui.paths import Home
from pyhall_tui.profiles.profile import Profile
from pyhall_tui.profiles.profile_store import ProfilesFileError, ProfileStore
from pyhall_tui.share.printed import WATCH, text_of
from pyhall_tui.signals import end_on_signals
from pyhall_tui.threads.daemon_executor import DaemonExecutor
from pyhall_tui.watch.chosen import NotChosen, chosen_profiles
from pyhall_tui.watch.command import CommandMistake, command_of
from pyhall_tui.watch.deliveries import Deliveries
from pyhall_tui.watch.output import Output
from pyhall_tui.watch.watcher import NotWatched, Settings, Watcher

_HEARTBEAT: Final = 30.0
"""Seconds between two heartbeats, if nothing else is said."""


@click.command("watch")
@click.option(
    "--profile",
    "names",
    metavar="NAME",
    multiple=True,
    help="A profile to watch; repeat it for several.",
    shell_complete=completed.profiles,
)
@click.option("--all", "everything", is_flag=True, help="Watch all profiles in profiles.toml.")
@click.option(
    "--metrics", "address", metavar="HOST:PORT", help="Serve metrics for Prometheus at http://HOST:PORT/metrics."
)
@click.option(REMOTE, "remote", is_flag=True, help="Let other machines read the metrics.")
@click.option("--alertmanager", metavar="URL|@FILE", help="Send alarms to this Alertmanager while they fire.")
@click.option("--webhook", metavar="URL|@FILE", help="Send each alarm, and its end, to this URL as a JSON POST.")
@click.option(
    "--heartbeat",
    metavar="SECONDS",
    type=RealNumber(0.1, 86_400),
    default=_HEARTBEAT,
    show_default=True,
    help="Seconds between two heartbeats.",
)
@click.option("--print", "printed", type=click.Choice([*WATCH]), help="Print a file for another program, and end.")
@click.pass_context
def watch_command(
    ctx: click.Context,
    names: tuple[str, ...],
    everything: bool,
    address: str | None,
    remote: bool,
    alertmanager: str | None,
    webhook: str | None,
    heartbeat: float,
    printed: str | None,
) -> None:
    """Watch without a screen, until it is ended: events as JSON Lines, metrics, alerts.

    Without --profile or --all, it watches the default profile. The key in PYHALL_API_KEY, or the one of a systemd
    credential, is sent only to the registry of the first profile: the first one that you name, or the default one.
    Other registries get the keys in the OS keyring.

    If profiles.toml changes, what it says is in force within seconds, and a line says so. If it can't be used, nothing
    changes.

    Only one program watches a profile: a second one waits, and takes over within seconds when the first one ends.

    After a restart, the events go on where they ended. --print schema prints the schema of the lines, and
    --print webhook-schema that of what a webhook gets. A profile's on_alarm = ["/path/to/program"] runs that program
    for each alarm. With @FILE, a URL is read from a file: everybody on this machine can see a command line.

    Exit code 2: it can't be watched. 64: wrong usage. 141: the reader has gone. Otherwise 128 plus the number of the
    signal that ended it.
    """
    if printed is not None:
        click.echo(text_of(WATCH[printed]), nl=False)
        return
    start_log()
    home = Home.of_user()
    store = ProfileStore(home.config / "profiles.toml")
    profiles = _profiles(ctx, store, names, everything=everything)
    listening = _listening(ctx, address, remote=remote)
    settings = Settings(home, store, profiles, everything, listening, heartbeat)
    ctx.exit(asyncio.run(_watch(ctx, settings, alertmanager, webhook)))


def _profiles(ctx: click.Context, store: ProfileStore, names: tuple[str, ...], *, everything: bool) -> list[Profile]:
    """Return the profiles to watch; end the command if one can't be used."""
    before: str | None = ctx.find_root().obj
    named = (*([before] if before is not None else []), *names)
    if named and everything:
        raise click.UsageError("--all watches all profiles: leave out --profile.")
    try:
        profiles = chosen_profiles(store, named, everything=everything)
        for profile in profiles:
            command_of(store, profile.name)
    except CommandMistake as mistake:
        raise click.UsageError(str(mistake)) from None
    except (NotChosen, ProfilesFileError) as mistake:
        fail(ctx, str(mistake))
    return profiles


def _listening(ctx: click.Context, address: str | None, *, remote: bool) -> socket.socket | None:
    if address is None:
        if remote:
            raise click.UsageError(f"{REMOTE} needs --metrics.")
        return None
    try:
        listening = listen(address, remote=remote)
    except NotServed as wrong:
        fail(ctx, str(wrong))
    except Refused as wrong:
        raise click.UsageError(str(wrong)) from None
    tell(ctx, f"The metrics are at {url(listening)}.")
    return listening


async def _watch(ctx: click.Context, settings: Settings, alertmanager: str | None, webhook: str | None) -> int:
    """Watch until a signal ends it or nobody reads; return the exit code.

    Raises:
        OSError: standard output can't be written.
    """
    loop, clock = asyncio.get_running_loop(), SystemClock()
    loop.set_default_executor(DaemonExecutor())
    try:
        deliveries = Deliveries(clock, alertmanager=alertmanager, webhook=webhook)
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None
    ended: asyncio.Future[int] = loop.create_future()
    end_on_signals(lambda code: None if ended.done() else ended.set_result(code))
    output = Output(sys.stdout.fileno(), lambda: clock.now().wall)
    watcher = Watcher(settings, output, deliveries, clock, lambda sentence: tell(ctx, sentence))
    running = asyncio.ensure_future(watcher.run())
    await asyncio.wait((running, ended, output.failed), return_when=asyncio.FIRST_COMPLETED)
    code = ended.result() if ended.done() else FAILED
    mistake = None
    running.cancel()
    try:
        with suppress(asyncio.CancelledError):
            await running
    except NotWatched as why:
        mistake = str(why)
    finally:
        await watcher.end(code)
    if output.failed.done() and not ended.done():
        raise output.failed.result()
    if mistake is not None:
        tell(ctx, mistake)
    return code
