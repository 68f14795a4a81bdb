"""The same dispatch in another tool: curl, Python (httpx), TypeScript (fetch), Go. The key is a variable.

The `pyhall-wcp` SDK has no call for a dispatch (contract, part 2), so there is no snippet for it.
"""

import json
import pprint
import shlex
from collections.abc import Callable
from typing import Any, Final

import msgspec

from pyhall_tui.registry.correlation import HEADER, header_value
from pyhall_tui.registry.models import DispatchRequest

KEY_VARIABLE: Final = "PYHALL_API_KEY"
"""The environment variable that a snippet reads the key from; a snippet never contains the key itself."""
_SAFE_IN_JS: Final = 2**53


def snippets(registry_url: str, request: DispatchRequest) -> dict[str, str]:
    """Return the request in each language, by the language's name.

    Args:
        registry_url: the profile's base URL.
        request: with its correlation id in the context.
    """
    url = registry_url.rstrip("/") + "/api/v1/dispatch"
    body = msgspec.to_builtins(request)
    return {name: write(url, body, _correlation(body)) for name, write in _LANGUAGES.items()}


def _correlation(body: dict[str, Any]) -> str:
    return header_value(str(body["context"].get("correlation_id", "")))


def _curl(url: str, body: dict[str, Any], correlation_id: str) -> str:
    return " \\\n".join(
        (
            # `printf` is built into the shell, so the key is not on a command line that a process list shows.
            f"printf 'Authorization: Bearer %s' \"${KEY_VARIABLE}\" | curl -X POST {shlex.quote(url)}",
            "  -H @-",
            "  -H 'Content-Type: application/json'",
            f"  -H {shlex.quote(f'{HEADER}: {correlation_id}')}",
            f"  -d {shlex.quote(_json(body))}",
        )
    )


def _python(url: str, body: dict[str, Any], correlation_id: str) -> str:
    literal = pprint.pformat(body, width=88, sort_dicts=False).replace("\n", "\n    ")
    return f"""import os

import httpx

response = httpx.post(
    {url!r},
    headers={{
        "Authorization": f"Bearer {{os.environ['{KEY_VARIABLE}']}}",
        {HEADER!r}: {correlation_id!r},
    }},
    json={literal},
    timeout=10.0,
)
print(response.status_code, response.text)
"""


def _typescript(url: str, body: dict[str, Any], correlation_id: str) -> str:
    literal = _json(body, indent=2).replace("\n", "\n  ")
    text = f"JSON.stringify({literal})" if _is_safe_in_js(body) else json.dumps(_json(body))
    return f"""const response = await fetch({json.dumps(url)}, {{
  method: "POST",
  headers: {{
    Authorization: `Bearer ${{process.env.{KEY_VARIABLE}}}`,
    "Content-Type": "application/json",
    {json.dumps(HEADER)}: {json.dumps(correlation_id)},
  }},
  body: {text},
}});
console.log(response.status, await response.text());
"""


def _go(url: str, body: dict[str, Any], correlation_id: str) -> str:
    text = _json(body, indent=2)
    literal = json.dumps(text, ensure_ascii=False) if "`" in text else f"`{text}`"
    return f"""package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {{
	body := strings.NewReader({literal})
	request, err := http.NewRequest("POST", {json.dumps(url)}, body)
	if err != nil {{
		panic(err)
	}}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("{KEY_VARIABLE}"))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set({json.dumps(HEADER)}, {json.dumps(correlation_id)})
	response, err := http.DefaultClient.Do(request)
	if err != nil {{
		panic(err)
	}}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {{
		panic(err)
	}}
	fmt.Println(response.StatusCode, string(text))
}}
"""


_LANGUAGES: Final[dict[str, Callable[[str, dict[str, Any], str], str]]] = {
    "curl": _curl,
    "Python": _python,
    "TypeScript": _typescript,
    "Go": _go,
}


def _json(body: dict[str, Any], indent: int | None = None) -> str:
    return json.dumps(body, ensure_ascii=False, indent=indent)


def _is_safe_in_js(value: Any) -> bool:
    """Whether the value means the same as a JavaScript literal: no `__proto__`, no whole number beyond 2⁵³."""
    if isinstance(value, dict):
        return "__proto__" not in value and all(map(_is_safe_in_js, value.values()))
    if isinstance(value, list):
        return all(map(_is_safe_in_js, value))
    return not isinstance(value, int) or abs(value) <= _SAFE_IN_JS
