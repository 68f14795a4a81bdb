"""Programs of your own that a key runs on rows: `[commands]` in `config.toml`. Never through a shell."""
