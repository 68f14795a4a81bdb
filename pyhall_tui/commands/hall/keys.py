"""`pyhall-tui hall keys add|list|revoke`: who may ask a hall."""

import json
from pathlib import Path

import click

from pyhall_tui.commands.hall.group import db_option, hall_group, json_option, no, open_store


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
        click.echo(store.add_key(namespace, label))


@keys.command("list")
@json_option
@db_option
def list_keys(as_json: bool, db: Path) -> None:
    """List the keys: id, namespace, since when, and whether revoked."""
    with open_store(db) as store:
        for key in store.all_keys():
            shown = {
                "key_id": key.key_id,
                "namespace": key.namespace,
                "created_at": key.created_at,
                "revoked_at": key.revoked_at,
                "label": key.label,
            }
            state = f"revoked {key.revoked_at}" if key.revoked_at else "good"
            line = f"{key.key_id}  {key.namespace}  {key.created_at}  {state}  {key.label}"
            click.echo(json.dumps(shown) if as_json else line.rstrip())


@keys.command()
@click.argument("key_id")
@db_option
def revoke(key_id: str, db: Path) -> None:
    """End a key, by the id that `hall keys list` shows; a hall that is served refuses it from now on."""
    with open_store(db) as store:
        if not store.revoke_key(key_id):
            no(f"there is no good key {key_id} in {db}")
    click.echo(f"revoked {key_id}")
