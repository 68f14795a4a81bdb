"""Reads a pasted `curl` line as a dispatch. A key in it is dropped, never kept."""

import re
import shlex
from typing import Final, NamedTuple

from pyhall_tui.dispatch.form import DispatchForm, filled
from pyhall_tui.profiles.urls import is_below
from pyhall_tui.registry.decode import Unreadable, read_object

_DATA: Final = frozenset({"-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json"})
_TAKES_VALUE: Final = frozenset(
    {
        *(
            "-H",
            "--header",
            "-X",
            "--request",
            "-o",
            "--output",
            "-u",
            "--user",
            "-A",
            "--user-agent",
            "-m",
            "--max-time",
        ),
        *(
            "--connect-timeout",
            "-K",
            "--config",
            "--cacert",
            "--cert",
            "--key",
            "-x",
            "--proxy",
            "-b",
            "--cookie",
            "--url",
            "-w",
            "--retry",
        ),
    }
)
_CURL: Final = re.compile(r"\s*(?:\$ )?(?:printf [^|\n]*\|\s*)?(?=curl(?:\.exe)?[ \t])")
"""What may come before `curl`: a shell's prompt, and `printf … |` with the key, as in our own snippet."""
_FIELDS: Final = ("capability", "worker_id", "context")


class NotADispatch(ValueError):
    """The line is not a dispatch; the message is a sentence."""


class Pasted(NamedTuple):
    """A line as it was understood."""

    form: DispatchForm
    notes: tuple[str, ...]
    """Sentences that say what was left out of the line."""


def looks_like_curl(text: str) -> bool:
    """Whether a pasted text is meant as a curl line."""
    return _CURL.match(text) is not None


def read_curl(text: str, *, namespace: str, registry_url: str) -> Pasted:
    """Read a curl line, which may span several lines ending in `\\` or `^`, as a dispatch of this profile.

    Raises:
        NotADispatch: it can't be read as one.
    """
    joined = _CURL.sub("", text.strip(), count=1).replace("\\\r\n", " ").replace("\\\n", " ").replace("^\r\n", " ")
    try:
        words = shlex.split(joined)
    except ValueError as error:
        raise NotADispatch(f"The curl line cannot be read: {str(error).lower()}.") from None
    data, urls, headers = _parts(words[1:])
    if data is None:
        raise NotADispatch("The curl line has no body (-d): a dispatch needs one.")
    try:
        body = read_object(data.encode())
    except Unreadable as reason:
        raise NotADispatch(f"The body of the curl line cannot be read: {reason}.") from None
    if not isinstance(body.get("capability"), str) or not isinstance(body.get("worker_id"), str):
        raise NotADispatch("The body of the curl line names no capability or no worker_id: it is not a dispatch.")
    return Pasted(_form(body), tuple(_notes(body, urls, headers, namespace, registry_url)))


def _form(body: dict[str, object]) -> DispatchForm:
    import msgspec

    context = body.get("context")
    return filled(
        capability=str(body["capability"]),
        worker_id=str(body["worker_id"]),
        context=b"" if context is None else msgspec.json.encode(context),
    )


def _parts(words: list[str]) -> tuple[str | None, list[str], list[str]]:
    data: str | None = None
    urls: list[str] = []
    headers: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        name, equals, attached = word.partition("=")
        if word.startswith("--") and equals and (name in _DATA or name in _TAKES_VALUE):
            queue.insert(0, attached)
            word = name
        elif word[:2] in ("-d", "-H", "-X") and len(word) > 2:
            queue.insert(0, word[2:])
            word = word[:2]
        value = queue.pop(0) if (word in _DATA or word in _TAKES_VALUE) and queue else ""
        if word in _DATA:
            data = value
        elif word in ("-H", "--header"):
            headers.append(value)
        elif word == "--url":
            urls.append(value)
        elif not word.startswith("-"):
            urls.append(word)
    return data, urls, headers


def _notes(
    body: dict[str, object], urls: list[str], headers: list[str], namespace: str, registry_url: str
) -> list[str]:
    notes = []
    if any(header.lower().startswith("authorization:") and "$" not in header for header in headers):
        notes.append("The key in it was left out: the profile's own is sent.")
    if body.get("namespace") not in (None, namespace):
        notes.append(f"Its namespace {body['namespace']} was left out: this profile's is {namespace}.")
    if urls and not is_below(urls[0], registry_url):
        notes.append("Its address was left out: the profile's registry is used.")
    if other := [key for key in body if key not in (*_FIELDS, "namespace")]:
        notes.append(f"Left out: {', '.join(other)}.")
    return notes
