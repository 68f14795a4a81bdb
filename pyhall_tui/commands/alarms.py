"""`pyhall-tui alarms …`: what fires, who has seen it and what is silenced, without the app.

The commands send nothing to the registry: they read and change what the app has recorded. A running app follows.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import click

from pyhall_tui import paths
from pyhall_tui.alarms.alarm import CONDITIONS, Alarm, Change, Standing
from pyhall_tui.alarms.silence_form import SilenceForm, SilenceMistakes, read
from pyhall_tui.alarms.silences import Silence
from pyhall_tui.clock import SystemClock
from pyhall_tui.commands import completed
from pyhall_tui.commands.output import printable
from pyhall_tui.commands.session import NO, YES, fail, open_journal, open_profile, tell
from pyhall_tui.fleet.events import Event
from pyhall_tui.journal.alarms import Alarms
from pyhall_tui.journal.journal import Journal
from pyhall_tui.profiles.operator import operator_of
from pyhall_tui.render.alarm import sentence, silence_words, standing_cell
from pyhall_tui.render.event import GLYPHS
from pyhall_tui.render.text import age


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_HasId)

_KEPT_WITHIN = 5.0
_OLD = 600.0
"""Seconds after which the records are reported as old."""
_LEAST = 4
"""How many characters of an id are enough, if no other starts with them."""

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON Lines, one for each.")


class _Nobody:
    def events_happened(self, events: list[Event]) -> None: ...
    def alarms_changed(self, changes: list[Change]) -> None: ...


class _Session:
    """The recorded alarms of the chosen profile."""

    def __init__(self, ctx: click.Context) -> None:
        self.ctx = ctx
        self.profile = open_profile(ctx)
        with suppress(paths.NoFolder):
            if not (paths.data_dir() / "journal.db").exists():
                fail(ctx, "Nothing has been recorded yet, so nothing is known: open the app first.")
        journal = open_journal()
        if journal is None or journal.is_makeshift:
            fail(ctx, " ".join(journal.notes) if journal else "There is no folder for the journal.")
        self.journal: Journal = journal
        self.clock = SystemClock()
        self.alarms = Alarms(journal, self.profile.name, _Nobody(), self.clock, operator=operator_of(self.profile))
        self.alarms.restore()
        if journal.alarms.all(self.profile.name, 1) is None:
            fail(ctx, "The journal can't be read; the log says why.")

    @property
    def now(self) -> float:
        """Wall time."""
        return self.clock.now().wall

    def keep(self) -> None:
        """Wait until the changes are written; end the command if they can't be."""
        if not self.journal.flush(_KEPT_WITHIN) or self.journal.troubles:
            fail(self.ctx, f"It could not be written: {' '.join(self.journal.notes) or 'the disk does not answer'}.")

    def document(self, alarm: Alarm) -> dict[str, Any]:
        """Return an alarm as plain values; unknown ones are None."""
        silence = self.alarms.book.silenced_by(alarm)
        return {
            "id": alarm.id,
            "kind": alarm.condition.key,
            "worker": alarm.subject or None,
            "namespace": alarm.namespace or None,
            "severity": alarm.severity.name.lower(),
            "state": self.alarms.book.standing(alarm).value,
            "times": alarm.times,
            "first_at": _iso(alarm.first_at),
            "fired_at": _iso(alarm.fired_at),
            "before": alarm.before or None,
            "source": alarm.source or None,
            "detail": alarm.detail or None,
            "correlation_id": alarm.correlation_id or None,
            "resolved_at": _iso(alarm.resolved_at),
            "resolved_by": alarm.resolved_by or None,
            "acknowledged_at": _iso(alarm.acknowledged_at),
            "acknowledged_by": alarm.acknowledged_by or None,
            "note": alarm.note or None,
            "silence": silence.id if silence else None,
        }


@contextmanager
def _opened(ctx: click.Context) -> Iterator[_Session]:
    session = _Session(ctx)
    try:
        yield session
    finally:
        session.journal.close()


@click.group("alarms", invoke_without_command=True)
@click.pass_context
def alarms_group(ctx: click.Context) -> None:
    """List alarms, acknowledge and silence them. Without a command: list."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_command)


@alarms_group.command("list")
@click.option("--all", "everything", is_flag=True, help="Also list ended alarms.")
@_json
@click.pass_context
def list_command(ctx: click.Context, everything: bool = False, as_json: bool = False) -> None:
    """Print the alarms that fire, as the app last recorded them.

    Exit code 0: none fires, except acknowledged or silenced ones. 1: some fire. 2: they could not be read.
    """
    with _opened(ctx) as session:
        found = session.journal.alarms.all(session.profile.name) or []
        for alarm in found:
            if not everything and not alarm.is_firing:
                continue
            print(json.dumps(session.document(alarm)) if as_json else _line(session, alarm))
        _tell_age(session)
        ctx.exit(NO if session.alarms.firing else YES)


@alarms_group.command("ack")
@click.argument("ids", nargs=-1, metavar="ID…", shell_complete=completed.firing_alarms)
@click.option("--all", "everything", is_flag=True, help="All firing alarms.")
@click.option("--note", default="", metavar="TEXT", help="For those who read it later.")
@click.pass_context
def ack_command(ctx: click.Context, ids: tuple[str, ...], everything: bool, note: str) -> None:
    """Acknowledge alarms by their ids; the beginning of an id is enough.

    Exit code 0: acknowledged. 1: there was nothing to acknowledge. 2: it could not be done.
    """
    if bool(ids) == everything:
        raise click.UsageError("Name the alarms' ids, or use --all.")
    with _opened(ctx) as session:
        firing = [alarm for alarm in session.alarms.book.alarms() if alarm.is_firing]
        chosen = firing if everything else [_one(ctx, firing, "firing alarm", one) for one in ids]
        open_ones = [alarm for alarm in chosen if not alarm.is_acknowledged]
        session.alarms.acknowledge_alarms(open_ones, note)
        session.keep()
        for alarm in open_ones:
            click.echo(printable(f"acknowledged: {alarm.id}  {sentence(alarm)}"))
        ctx.exit(YES if open_ones else NO)


@alarms_group.command("silence")
@click.option(
    "--worker", default="", metavar="ID", help="A worker's id; * for any characters.", shell_complete=completed.workers
)
@click.option(
    "--namespace", default="", metavar="NAME", help="Everything in a namespace.", shell_complete=completed.namespaces
)
@click.option(
    "--kind",
    default="",
    metavar="KIND",
    help=f"One kind of alarm: {', '.join(CONDITIONS)}.",
    shell_complete=completed.alarm_kinds,
)
@click.option("--until", required=True, metavar="TIME", help='"2h", "30m", "18:00" or "2026-11-27 18:00".')
@click.option("--reason", default="", metavar="TEXT", help="For those who read it later.")
@click.pass_context
def silence_command(ctx: click.Context, worker: str, namespace: str, kind: str, until: str, reason: str) -> None:
    """Silence the alarms that match every given option, and print the silence's id.

    They are counted as silenced; workers are shown as before. Exit code 0: done. 2: it could not be done.
    """
    form = SilenceForm(worker=worker, namespace=namespace, kind=kind, until=until, reason=reason)
    try:
        wanted = read(form, SystemClock().now().wall)
    except SilenceMistakes as mistakes:
        raise click.UsageError(str(mistakes)) from None
    with _opened(ctx) as session:
        silence = session.alarms.silence(**wanted._asdict())
        session.keep()
        click.echo(silence.id)


@alarms_group.command("silences")
@_json
@click.pass_context
def silences_command(ctx: click.Context, as_json: bool) -> None:
    """Print what is silenced. Exit code 0; 2 if it could not be read."""
    with _opened(ctx) as session:
        for silence in session.alarms.book.silences:
            words = f"{silence.id}  {silence.what}  {silence_words(silence, session.now)}"
            print(json.dumps(_silence_document(silence)) if as_json else printable(words))


@alarms_group.command("unsilence")
@click.argument("silence_id", metavar="ID", shell_complete=completed.silences)
@click.pass_context
def unsilence_command(ctx: click.Context, silence_id: str) -> None:
    """End a silence before its time; the beginning of its id is enough. Exit code 0: done. 2: it could not be done."""
    with _opened(ctx) as session:
        session.alarms.unsilence(_one(ctx, session.alarms.book.silences, "silence", silence_id))
        session.keep()


def _one(ctx: click.Context, among: Sequence[T], what: str, typed: str) -> T:
    """Return the one whose id starts so; end the command if none or several do."""
    found = [one for one in among if one.id.startswith(typed.lower())]
    if len(found) == 1 and (len(typed) >= _LEAST or found[0].id == typed):
        return found[0]
    if len(typed) < _LEAST:
        fail(ctx, f"{typed!r} is too short for an id: give at least {_LEAST} characters.")
    fail(
        ctx,
        f"There is no {what} with the id {typed}." if not found else f"Several start with {typed}: give more of it.",
    )


def _line(session: _Session, alarm: Alarm) -> str:
    book = session.alarms.book
    standing = book.standing(alarm)
    glyph = "–" if standing is Standing.RESOLVED else GLYPHS[alarm.severity].text
    how = standing_cell(alarm, standing, book.silenced_by(alarm), session.now).text
    return printable(f"{glyph} {alarm.id}  {sentence(alarm)}  [{how}]")


def _tell_age(session: _Session) -> None:
    """Say if the records are old: then it means little that no alarm fires."""
    heard = session.journal.newest_verdict_at(session.profile.name)
    if heard is None:
        tell(session.ctx, "No worker of this profile has been verified yet.")
    elif session.now - heard > _OLD:
        tell(session.ctx, f"The last verdict was recorded {age(session.now - heard)}: the app is not running.")


def _silence_document(silence: Silence) -> dict[str, Any]:
    return {
        "id": silence.id,
        "worker": silence.worker or None,
        "namespace": silence.namespace or None,
        "kind": next((key for key, kind in CONDITIONS.items() if kind == silence.condition), None),
        "began_at": _iso(silence.began_at),
        "until": _iso(silence.until),
        "reason": silence.reason or None,
        "by": silence.by or None,
    }


def _iso(wall: float | None) -> str | None:
    return None if wall is None else datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds")
