"""`pyhall-tui hall keys add|list|scope|revoke`: who may use a hall, and for what."""

import json

import click

from pyhall_tui.commands import completed
from pyhall_tui.commands.hall.group import Place, answer_no, db_option, hall_group, json_option, open_store, say
from pyhall_tui.commands.output import printable
from pyhall_tui.hall.scopes import SCOPES

EVERYTHING = "all scopes"


@hall_group.group()
def keys() -> None:
    """Manage a hall's API keys; the store has only their hashes."""


@keys.command()
@click.option(
    "--namespace", required=True, help="The namespace that the key is for.", shell_complete=completed.hall_namespaces
)
@click.option("--label", default="", help="Who or what the key is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    help="Allow this, and reading; may be repeated. Without a scope, the key may do everything.",
)
@db_option
def add(namespace: str, label: str, scopes: tuple[str, ...], db: Place) -> None:
    """Create a key and print it; it is shown only once."""
    with open_store(db) as store:
        say(store.add_key(namespace, label, scopes=tuple(dict.fromkeys(scopes))))


@keys.command("list")
@click.option("--namespace", help="List only the keys of this namespace.", shell_complete=completed.hall_namespaces)
@json_option
@db_option
def list_keys(namespace: str | None, as_json: bool, db: Place) -> None:
    """List the keys: id, namespace, when each was created, whether it is revoked, its scopes, and its last use.

    The last use is approximate: the key may have been used again within a minute after it.
    """
    with open_store(db) as store:
        uses = store.key_uses()
        for key in store.all_keys():
            if namespace not in (None, key.namespace):
                continue
            shown = {
                "key_id": key.key_id,
                "namespace": key.namespace,
                "created_at": key.created_at,
                "revoked_at": key.revoked_at,
                "label": key.label,
                "scopes": list(key.scopes),
                "last_used": uses.get(key.key_id),
            }
            state = f"revoked {key.revoked_at}" if key.revoked_at else "good"
            scopes = ",".join(key.scopes) or EVERYTHING
            used = f"used {uses[key.key_id]}" if key.key_id in uses else "no use noted"
            line = f"{key.key_id}  {key.namespace}  {key.created_at}  {state}  {scopes}  {used}  {key.label}"
            click.echo(json.dumps(shown) if as_json else printable(line.rstrip()))


@keys.command()
@click.argument("key_id", shell_complete=completed.hall_keys)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    help="Allow this, and reading, and nothing else; may be repeated.",
)
@click.option("--all", "everything", is_flag=True, help="Allow everything in the key's namespace.")
@db_option
def scope(key_id: str, scopes: tuple[str, ...], everything: bool, db: Place) -> None:
    """Change what a key may do, by the id that `hall keys list` shows; a running hall obeys at once.

    The key stays the same, so nobody who uses it needs a new one.
    """
    if bool(scopes) == everything:
        raise click.UsageError("say what the key may do: give one --scope or more, or --all")
    from msgspec.structs import replace

    with open_store(db) as store, store.write():
        known = next((key for key in store.all_keys() if key.key_id == key_id and not key.revoked_at), None)
        if known is None:
            answer_no(f"there is no valid key {key_id} in {db}")
        store.put_key(replace(known, scopes=tuple(dict.fromkeys(scopes))))
    before, after = (",".join(each) or EVERYTHING for each in (known.scopes, dict.fromkeys(scopes)))
    say(f"{key_id} has {after}" if before == after else f"{key_id} has {after} instead of {before}")


@keys.command()
@click.argument("key_id", required=False, shell_complete=completed.hall_keys)
@click.option(
    "--namespace",
    help="Revoke all keys of this namespace instead of one key.",
    shell_complete=completed.hall_namespaces,
)
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
