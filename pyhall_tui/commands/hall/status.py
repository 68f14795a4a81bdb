"""`pyhall-tui hall status`: what is in a store."""

import json
from typing import Any

import click

from pyhall_tui.commands.hall.group import Place, db_option, hall_group, json_option, open_store, say


@hall_group.command()
@json_option
@db_option
def status(as_json: bool, db: Place) -> None:
    """Show what is in a store, which halls live on it, who polls the upstream, and the last row of the log."""
    with open_store(db) as store:
        from pyhall_tui.hall.summary import summary

        shown = {"store": str(db)} | summary(store)
    if as_json:
        click.echo(json.dumps(shown))
        return
    halls = shown.pop("halls")
    shown["log"] = _log_line(shown["log"])
    shown |= _upstream_lines(shown.pop("upstream"))
    living = sum(each["living"] for each in halls)
    shown["halls"] = f"{living}" if living == len(halls) else f"{living}, and {len(halls) - living} not heard from"
    width = max(map(len, shown))
    for name, value in shown.items():
        text = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        say(f"{name:{width}}  {text if text not in ('', None) else '–'}")

    for each in halls:
        say(f"  {_hall_line(each)}")


def _hall_line(hall: dict[str, Any]) -> str:
    """Return what to print about a hall that lives, or did a moment ago."""
    gone = "" if hall["living"] else ": it was killed, or can't reach the store"
    parts = [
        hall["name"],
        hall["version"],
        f"since {hall['since']}",
        f"last seen {hall['silent']:.0f} s ago{gone}",
        f"{hall['decisions']:g} decisions/s",
        f"policy {hall['policy_file']}" if hall["policy_file"] else "",
        hall["policy_error"],
        "polls the upstream" if hall["polls"] else "",
        "its upstream is unreachable" if hall["stale"] else "",
    ]
    return ", ".join(part for part in parts if part)


def _log_line(log: dict[str, Any]) -> str:
    """Return what to print about the log's head and its newest checkpoint, whose signature nobody has checked here."""
    head = f"seq {log['seq']}, entry_hash {log['entry_hash']}"
    if (stated := log["stated"]) is None:
        return f"{head}, not signed"
    return f"{head}, signed up to row {stated['seq']} on {stated['at']} by {stated['signer']}"


def _upstream_lines(upstream: dict[str, Any] | None) -> dict[str, str]:
    """Return what to print about the upstream that the hall followed when it was last served, as of now."""
    if upstream is None:
        return {"upstream": "none"}
    session = upstream["session"]
    said = {
        "held": f"held until {session['expires']}",
        "expired": f"expired at {session['expires']}",
    }.get(session["state"], session["state"])
    enrolled = f"enrolled as {session['id'] or '–'} in {session['namespace']}" if session["namespace"] else ""
    stale = "unreachable for too long" if upstream["stale"] else "reachable"
    return {
        "upstream": f"{upstream['url']}, {stale}",
        "last_poll": f"{upstream['last_poll']}, last answer {upstream['last_heard'] or 'never'}",
        "session": "; ".join(part for part in (said, enrolled, session["error"]) if part),
    } | ({"last_error": upstream["error"]} if upstream["error"] else {})
