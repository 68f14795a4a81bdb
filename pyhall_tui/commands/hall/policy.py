"""`pyhall-tui hall policy …`: show, explain and replace a hall's rules."""

import json
import sys
from pathlib import Path
from time import time
from typing import TYPE_CHECKING

import click

from pyhall_tui.commands import completed
from pyhall_tui.commands.hall.group import (
    Place,
    answer_no,
    db_option,
    errors_explained,
    hall_group,
    json_option,
    open_store,
    say,
)

if TYPE_CHECKING:
    from pyhall_tui.hall.context import Grounds
    from pyhall_tui.hall.policy import Policy
    from pyhall_tui.hall.store import Store

policy_option = click.option(
    "--policy",
    "file",
    type=click.Path(path_type=Path),
    help="Rules in TOML; by default those that the hall was last served with.",
)


@hall_group.group()
def policy() -> None:
    """Show, explain and replace the rules that decide a dispatch; the first match decides."""


def _policy(store: "Store", file: Path | None) -> "Policy":
    from pyhall_tui.hall.errors import StoreError
    from pyhall_tui.hall.policy import load_rules

    if file:
        return _read(file)
    living = {hall.name: hall.policy_file for hall in store.halls.seen() if hall.is_living}
    if len(set(living.values())) > 1:
        named = ", ".join(f"{name}: {where or 'the rules in the store'}" for name, where in living.items())
        raise StoreError(f"the halls on this store have different rules ({named}): say which with --policy")
    served = next(iter(living.values())) if living else store.setting("policy_file")
    if served:
        say(f"Using the rules that the hall was last served with: --policy {served}", err=True)
        return _read(Path(served))
    return load_rules(store)


def _read(file: Path) -> "Policy":
    from pyhall_tui.hall.policy import parse
    from pyhall_tui.hall.tomlfile import read_text

    return parse(read_text(file), str(file))


@policy.command()
@click.option("--capability", required=True, shell_complete=completed.hall_capabilities)
@click.option("--worker", required=True, shell_complete=completed.hall_workers)
@click.option("--namespace", help="By default the worker's own.", shell_complete=completed.hall_namespaces)
@click.option("--risk-tier", type=click.Choice(["low", "medium", "high", "critical"]))
@click.option("--context", default="{}", help="The dispatch's context, as a JSON object.")
@policy_option
@json_option
@db_option
def explain(
    capability: str,
    worker: str,
    namespace: str | None,
    risk_tier: str | None,
    context: str,
    file: Path | None,
    as_json: bool,
    db: Place,
) -> None:
    """Show which rule decides a dispatch now, and why the rules before it don't. Nothing is dispatched or logged."""
    with open_store(db) as store:
        import msgspec

        from pyhall_tui.hall.errors import BadRequest
        from pyhall_tui.hall.explain import explain as find
        from pyhall_tui.hall.explain import request

        known = store.worker(worker)
        namespace = namespace or (known.namespace if known else None)
        if namespace is None:
            raise click.UsageError(f"there is no worker {worker} in {db}: give its namespace with --namespace")
        try:
            asked = request(
                namespace=namespace,
                capability=capability,
                worker_id=worker,
                risk_tier=risk_tier,
                context=context,
                wall=time(),
            )
        except BadRequest as error:
            raise click.UsageError(str(error)) from None
        found = find(_grounds(store, file), asked)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found)))
        return
    decision = found.decision
    say(f"{decision.outcome}  by {decision.rule}  {decision.code or ''}".rstrip())
    if decision.reason:
        say(f"  {decision.reason}")
    say(f"worker  {found.worker}")
    for step in found.steps:
        say(f"{'→' if step.matches else ' '} {step.rule}  {step.why}")


def _grounds(store: "Store", file: Path | None) -> "Grounds":
    """Return what a hall serving this store decides by."""
    from pyhall_tui.clock import SystemClock
    from pyhall_tui.hall.context import Grounds
    from pyhall_tui.hall.rates import Rates
    from pyhall_tui.hall.upstream import last_refusal

    return Grounds(store.state(), _policy(store, file), Rates(store, SystemClock()), last_refusal(store))


@policy.command("list")
@policy_option
@json_option
@db_option
def list_rules(file: Path | None, as_json: bool, db: Place) -> None:
    """List the rules in order, how many decisions in the log each made, and which are unreachable."""
    with open_store(db) as store:
        import msgspec

        from pyhall_tui.hall.hours import in_words
        from pyhall_tui.hall.shadow import hidden_rules

        rules, hits = _policy(store, file), store.log.rule_hits()
        hidden = {found.rule: str(found) for found in hidden_rules(rules)}
    for rule in rules.rule:
        line = {"hits": hits.get(rule.id, 0), "hidden": hidden.get(rule.id)} | msgspec.to_builtins(rule)
        if as_json:
            click.echo(json.dumps(line))
            continue
        tiers = ",".join(rule.risk_tiers) or "any tier"
        say(f"{rule.outcome:5} {hits.get(rule.id, 0):>7}  {rule.id}  {rule.capability}  {rule.worker}  {tiers}")
        if when := in_words(rule.hours, rule.days, rule.timezone):
            say(f"               {when}")
        if rule.id in hidden:
            say(f"               {hidden[rule.id]}")
    if not as_json:
        say(f"{rules.default:5} {hits.get('default', 0):>7}  default")


@policy.command()
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """Check a policy in TOML. If rules are unreachable, print them; the exit code is then 1."""
    with errors_explained():
        from pyhall_tui.hall.shadow import hidden_rules

        rules = _read(file)
        if hidden := hidden_rules(rules):
            answer_no(f"{file}: " + "; ".join(map(str, hidden)))
    say(_summary(rules))


@policy.command("set")
@click.argument("file", type=click.Path(path_type=Path))
@db_option
def set_rules(file: Path, db: Place) -> None:
    """Replace the store's policy with one in TOML; a running hall applies it at once."""
    with open_store(db) as store:
        from pyhall_tui.hall.policy import save_rules

        rules = _read(file)
        save_rules(store, rules)
    say(_summary(rules))


@policy.command()
@db_option
def show(db: Place) -> None:
    """Print the store's policy as TOML."""
    with open_store(db) as store:
        from pyhall_tui.hall.policy import load_rules

        click.echo(_toml(load_rules(store)), nl=False)


@policy.command("import")
@click.argument("file", type=click.Path(path_type=Path))
def import_(file: Path) -> None:
    """Convert the ecosystem's rules.json to a policy in TOML. What can't be converted is reported on stderr."""
    with errors_explained():
        from pyhall_tui.hall.rules_json import read

        rules, notes = read(file.read_bytes(), str(file))
    for note in notes:
        say(note, err=True)
    sys.stderr.flush()
    click.echo(_toml(rules), nl=False)


def _summary(rules: "Policy") -> str:
    return f"{len(rules.rule)} rule{'s' * (len(rules.rule) != 1)}, default {rules.default}"


def _toml(rules: "Policy") -> str:
    import msgspec
    import tomli_w

    text = tomli_w.dumps({"default": rules.default} | msgspec.to_builtins(rules))
    return "".join(letter if letter.isprintable() or letter == "\n" else _escape(letter) for letter in text)


def _escape(letter: str) -> str:
    """Escape invisible and control characters the way TOML does; the writer escapes only some of them."""
    code = ord(letter)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
