"""The two themes. Calm is the design: grey, with colour for what is wrong alone; `$secondary` is the quiet text."""

from textual.theme import Theme

DARK = Theme(
    name="pyhall-dark",
    dark=True,
    primary="#6f9fd8",
    secondary="#8b95a3",
    accent="#e0af68",
    foreground="#d4d8de",
    background="#14171c",
    surface="#1a1e25",
    panel="#242a33",
    success="#7fb77e",
    warning="#e0af68",
    error="#f0717b",
    variables={"scrollbar-background": "#1a1e25"},
)

LIGHT = Theme(
    name="pyhall-light",
    dark=False,
    primary="#2f5f98",
    secondary="#5b6673",
    accent="#9a6700",
    foreground="#1f2328",
    background="#fafbfc",
    surface="#f1f3f6",
    panel="#e4e8ed",
    success="#2c7a36",
    warning="#8a5a00",
    error="#b3202c",
    variables={"scrollbar-background": "#f1f3f6"},
)
