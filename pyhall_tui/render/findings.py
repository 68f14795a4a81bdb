"""What the doctor found: lines for the screen and the command, and a report without secrets."""

import re
from typing import Final

from pyhall_tui.checkup import Finding, Patient
from pyhall_tui.logs.masking import mask
from pyhall_tui.paths import expanded
from pyhall_tui.probe import CheckResult
from pyhall_tui.profiles.urls import REGISTRY, is_loopback, origin
from pyhall_tui.registry.origin import read_origin
from pyhall_tui.render.check_marks import CHECK_MARKS
from pyhall_tui.render.text import Cell, Style, clean

_WIDTH: Final = 9
"""Cells of the longest name of a check."""
_URL: Final = re.compile(r"https?://[^\s,;)]+")


def finding_cells(finding: Finding) -> list[Cell]:
    """Return a line: mark, what was checked, the result, what to do."""
    glyph, style = CHECK_MARKS[finding.mark]
    said = style if finding.mark in (CheckResult.NO, CheckResult.UNPROVEN) else Style.PLAIN
    cells = [
        Cell(f"{glyph} ", style),
        Cell(f"{finding.about:<{_WIDTH}}  ", Style.DIM),
        Cell(clean(finding.sentence, 600), said),
    ]
    return [*cells, Cell(f" {clean(finding.advice, 300)}", Style.STRONG)] if finding.advice else cells


def finding_line(finding: Finding) -> str:
    """Return the same as text."""
    return "".join(cell.text for cell in finding_cells(finding))


def verdict(findings: list[Finding]) -> Cell:
    """Return the sentence above all findings."""
    off = [finding.about for finding in findings if finding.mark is CheckResult.NO]
    if off:
        return Cell(f"Problems: {', '.join(off)}.", Style.ERROR)
    return Cell("No problems found.", Style.GOOD)


def report(findings: list[Finding], patient: Patient) -> str:
    """Return all lines as Markdown for an issue.

    It masks keys, the profile's name and namespace, addresses that are neither public nor of this machine, and the
    user's own folder.
    """
    lines = [f"- {finding_line(finding)}" for finding in findings]
    text = "\n".join(["### pyhall-tui doctor", "", *lines, ""])
    return mask(_without_names(_URL.sub(_masked_url, text), patient))


def _without_names(text: str, patient: Patient) -> str:
    names = {str(expanded("~")): "~"}
    profile = patient.profile
    if profile is not None:
        names |= {profile.namespace: "<namespace>", profile.name: "<profile>"}
        if not _is_public(profile.registry_url):
            names |= {_host(profile.registry_url): "<host>"}
    # longest first, whole words: a namespace may start with the profile's name
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = re.sub(rf"(?<![\w.-]){re.escape(clean(name))}(?![\w-])", names[name], text)
    return text


def _host(url: str) -> str:
    try:
        return read_origin(url).host
    except ValueError:
        return url.partition("://")[2].partition("/")[0]


def _is_public(url: str) -> bool:
    try:
        return is_loopback(url) or origin(url) == REGISTRY
    except ValueError:
        return False


def _masked_url(match: re.Match[str]) -> str:
    return match[0] if _is_public(match[0].rstrip(".")) else "<url>"
