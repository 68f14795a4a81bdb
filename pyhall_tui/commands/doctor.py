"""`pyhall-tui doctor`: check this machine and the connection to the registry."""

import asyncio
import json

import click

from pyhall_tui.checkup import Finding, Patient, Terminal, examine, exit_code
from pyhall_tui.clock import SystemClock
from pyhall_tui.commands.output import printable
from pyhall_tui.commands.session import start_log
from pyhall_tui.logs.masking import mask, register_secret
from pyhall_tui.paths import Home
from pyhall_tui.profiles.chosen_profile import choose_profile
from pyhall_tui.profiles.keys import KeyStore
from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.render.findings import finding_line, report
from pyhall_tui.threads.daemon_executor import DaemonExecutor


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option(
    "--report", "as_report", is_flag=True, help="Print Markdown for a bug report, without names, addresses or keys."
)
@click.pass_context
def doctor_command(ctx: click.Context, as_json: bool, as_report: bool) -> None:
    """Check profile, key, registry, clock, journal, config, terminal and versions, and say what to do.

    Exit code 0: no problems found. 1: problems found. 2: the registry could not be checked.
    """
    home = Home.of_user()
    start_log()
    patient, findings = asyncio.run(_examined(home, ctx.find_root().obj, aloud=not (as_json or as_report)))
    if as_json:
        click.echo(json.dumps({"exit_code": exit_code(findings), "findings": [_document(each) for each in findings]}))
    elif as_report:
        click.echo("\n".join(map(printable, report(findings, patient).split("\n"))), nl=False)
    ctx.exit(exit_code(findings))


async def _examined(home: Home, name: str | None, *, aloud: bool) -> tuple[Patient, list[Finding]]:
    asyncio.get_running_loop().set_default_executor(DaemonExecutor())  # no DNS lookup outlives the timeout
    profile, _, problem = choose_profile(ProfileStore(home.config / "profiles.toml"), name)
    answer = await KeyStore().load(profile) if profile else None
    if answer is not None and answer.key is not None:
        register_secret(answer.key.reveal())
    patient = Patient(home, SystemClock(), Terminal.of_process(), profile, problem, answer)
    findings = []
    async for finding in examine(patient):
        findings.append(finding)
        if aloud:
            click.echo(mask(printable(finding_line(finding))))
    return patient, findings


def _document(finding: Finding) -> dict[str, str]:
    texts = {"about": str(finding.about), "mark": str(finding.mark)}
    return texts | {"sentence": mask(finding.sentence), "advice": mask(finding.advice)}
