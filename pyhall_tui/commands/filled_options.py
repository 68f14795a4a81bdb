"""Commands that refuse an empty value, such as that of a variable that is not set: it would switch a check off."""

from typing import Final

import click

_MAY_BE_EMPTY: Final = {"label"}


class FilledCommand(click.Command):
    """A command none of whose options takes an empty value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line, after a look at it as it was typed: click makes a path of an empty text too.

        Raises:
            click.UsageError: an option's value is empty.
        """
        if not ctx.resilient_parsing:
            given, _, _ = self.make_parser(ctx).parse_args(list(args))
            for param in self.get_params(ctx):
                if isinstance(param, click.Option) and param.name not in _MAY_BE_EMPTY and _has_empty(given, param):
                    raise click.BadParameter("its value is empty. Is a variable not set?", ctx, param)
        return super().parse_args(ctx, args)


def _has_empty(given: dict[str, object], param: click.Option) -> bool:
    value = given.get(param.name or "")
    return any(isinstance(each, str) and not each.strip() for each in (value if isinstance(value, list) else [value]))


class FilledGroup(click.Group):
    """A group of such commands."""

    command_class = FilledCommand
    group_class = type
