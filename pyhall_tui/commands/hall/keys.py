"""`pyhall-tui hall keys add|list|revoke`: who may ask a hall."""

import json
from pathlib import Path

import click

from pyhall_tui.commands.hall.group import answer_no, db_option, hall_group, json_option, open_store, say
from pyhall_tui.commands.output import printable


@hall_group.group()
def keys() -> None:
    """The API keys of a hall; only their hashes are kept."""


@keys.command()
@click.option("--namespace", required=True, help="The one namespace that the key is for.")
@click.option("--label", default="", help="Whose it is, or what for.")
@db_option
def add(namespace: str, label: str, db: Path) -> None:
    """Make a key and print it, this once."""
    with open_store(db) as store:
        say(store.add_key(namespace, label))


@keys.command("list")
@click.option("--namespace", help="Only the keys of this one.")
@json_option
@db_option
def list_keys(namespace: str | None, as_json: bool, db: Path) -> None:
    """List the keys: id, namespace, since when, and whether revoked."""
    with open_store(db) as store:
        for key in store.all_keys():
            if namespace not in (None, key.namespace):
                continue
            shown = {
                "key_id": key.key_id,
                "namespace": key.namespace,
                "created_at": key.created_at,
                "revoked_at": key.revoked_at,
                "label": key.label,
            }
            state = f"revoked {key.revoked_at}" if key.revoked_at else "good"
            line = f"{key.key_id}  {key.namespace}  {key.created_at}  {state}  {key.label}"
            click.echo(json.dumps(shown) if as_json else printable(line.rstrip()))


@keys.command()
@click.argument("key_id", required=False)
@click.option("--namespace", help="All keys of this one, in place of one key.")
@db_option
def revoke(key_id: str | None, namespace: str | None, db: Path) -> None:
    """End a key, by the id that `hall keys list` shows; a hall that is served refuses it from now on."""
    if (key_id is None) == (namespace is None):
        raise click.UsageError("name the one: a KEY_ID, or a --namespace all of whose keys end")
    with open_store(db) as store, store.write():
        wanted = [key_id] if key_id else [key.key_id for key in store.all_keys() if key.namespace == namespace]
        revoked = [each for each in wanted if store.revoke_key(each)]
    if not revoked:
        answer_no(f"there is no good key {key_id or f'of {namespace}'} in {db}")
    for each in revoked:
        say(f"revoked {each}")
