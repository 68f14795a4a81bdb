"""`GET /api/v1/keys`: what may the keys of a namespace do, and when was each last used? No hash is in the answer."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pyhall_tui.hall.models import Key
from pyhall_tui.hall.scopes import ANY_KEY
from pyhall_tui.hall.wire import admit, answer, hall_of

_MOST = 500


async def keys(request: Request) -> Response:
    """Show a key without scopes all valid keys of its namespace, newest first, and a key with scopes only itself."""
    own = admit(request, ANY_KEY)
    found = await hall_of(request).long_reads.keys_in_use(own.namespace, _MOST)
    if own.scopes:
        found = [each for each in found if each[0].key_id == own.key_id] or [(own, None)]
    told = [_told(key, used, is_own=key.key_id == own.key_id) for key, used in found]
    return answer(request, {"namespace": own.namespace, "keys": told, "count": len(told)})


def _told(key: Key, used: str | None, *, is_own: bool) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "label": key.label,
        "scopes": list(key.scopes),
        "created_at": key.created_at,
        "last_used": used,
        "yours": is_own,
    }


ROUTES = [Route("/api/v1/keys", keys)]
