"""`config.toml`: your own keys, colors, columns and commands. One module for each section."""
