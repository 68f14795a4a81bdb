"""Makes a hall's API keys."""

import secrets


def new_key() -> str:
    """Return a new API key; it looks like the public registry's."""
    return "phk_live_" + secrets.token_urlsafe(24)
