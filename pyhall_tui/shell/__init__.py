"""What the app does on every screen: keys, palette, theme, news, bell, memory."""
