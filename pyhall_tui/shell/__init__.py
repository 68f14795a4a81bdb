"""What the app does on every screen: keys, palette, theme, toasts, bell, memory."""
