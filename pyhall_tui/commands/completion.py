"""`pyhall-tui completion SHELL`: prints what makes a shell complete commands, options and names."""

from pathlib import Path
from typing import Final

import click

FILES: Final = {"bash": "pyhall-tui.bash", "zsh": "_pyhall-tui", "fish": "pyhall-tui.fish"}
"""The shell -> its file in share/completion. Each asks click by `_PYHALL_TUI_COMPLETE`, see its shell_completion."""


@click.command("completion")
@click.argument("shell", type=click.Choice(list(FILES)))
def completion_command(shell: str) -> None:
    """Print the completions for your shell: commands, options, and names of profiles, workers and baselines.

    \b
    bash: add to ~/.bashrc:   eval "$(pyhall-tui completion bash)"
    zsh:  add to ~/.zshrc:    eval "$(pyhall-tui completion zsh)"
    fish: run once:           pyhall-tui completion fish > ~/.config/fish/completions/pyhall-tui.fish

    For zsh, the line comes after the one that runs compinit.
    """
    click.echo(text_of(shell), nl=False)


def text_of(shell: str) -> str:
    """Return a shell's file."""
    return (Path(__file__).parents[1] / "share" / "completion" / FILES[shell]).read_text("utf-8")
