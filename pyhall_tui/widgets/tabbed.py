"""Tabs that change only when they are told to, never because of where the focus is."""

from textual import on
from textual.widgets import TabbedContent, TabPane


class Tabbed(TabbedContent):
    """Textual's tabs without "the pane with the focus is the active one".

    Our screens move the focus when a tab is shown. A focus that is still on its way from the previous tab would bring
    that tab back, whose focus would bring the other one back: on a busy machine both went round forever.
    """

    @on(TabPane.Focused)
    def _keep_tab(self, message: TabPane.Focused) -> None:
        message.stop()
        message.prevent_default()
