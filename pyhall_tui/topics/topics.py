"""Which topics there are, and their texts. It imports nothing: a shell's completion lists the names."""

from pathlib import Path
from typing import Final

TOPICS: Final = {
    "screens": "What each screen is for: filters, marks, jumps, copies.",
    "profiles": "Profiles, namespaces and API keys.",
    "alarms": "What fires, and how to acknowledge and silence it.",
    "policy": "Try a policy, save its decisions, write rules of your own.",
    "team-hall": "Run a hall for a team, on one machine or on PostgreSQL.",
    "watch": "Watch without a screen: events, metrics, alerts.",
    "config": "Your own keys, colors, columns and commands.",
    "replay": "What is kept, and how to look back.",
    "security": "What is trusted, where keys are, what is sent.",
    "browser": "Use the app from another machine or in a browser.",
}
"""Name -> what it is about, in the order in which they are listed. Each is a Markdown file beside this one."""


def text_of(name: str) -> str:
    """Return a topic's Markdown."""
    return Path(__file__).with_name(f"{name}.md").read_text("utf-8")
