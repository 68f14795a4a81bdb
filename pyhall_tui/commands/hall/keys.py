"""`pyhall-tui hall keys add|list|revoke`: who may use a hall."""

import json

import click

from pyhall_tui.commands.hall.group import Place, answer_no, db_option, hall_group, json_option, open_store, say
from pyhall_tui.commands.output import printable


@hall_group.group()
def keys() -> None:
    """Manage a hall's API keys; the store has only their hashes."""


@keys.command()
@click.option("--namespace", required=True, help="The namespace that the key is for.")
@click.option("--label", default="", help="Who or what the key is for.")
@db_option
def add(namespace: str, label: str, db: Place) -> None:
    """Create a key and print it; it is shown only once."""
    with open_store(db) as store:
        say(store.add_key(namespace, label))


@keys.command("list")
@click.option("--namespace", help="List only the keys of this namespace.")
@json_option
@db_option
def list_keys(namespace: str | None, as_json: bool, db: Place) -> None:
    """List the keys: id, namespace, when each was created, and whether it is revoked."""
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
@click.option("--namespace", help="Revoke all keys of this namespace instead of one key.")
@db_option
def revoke(key_id: str | None, namespace: str | None, db: Place) -> None:
    """Revoke a key by the id that `hall keys list` shows; a running hall refuses it at once."""
    if (key_id is None) == (namespace is None):
        raise click.UsageError("give either a KEY_ID, or a --namespace to revoke all its keys")
    with open_store(db) as store, store.write():
        wanted = [key_id] if key_id else [key.key_id for key in store.all_keys() if key.namespace == namespace]
        revoked = [each for each in wanted if store.revoke_key(each)]
    if not revoked:
        answer_no(f"there is no valid key {key_id or f'for {namespace}'} in {db}")
    for each in revoked:
        say(f"revoked {each}")
