"""The manual's topics: Markdown, shown in the terminal, in the app's help, and in the manual page."""
