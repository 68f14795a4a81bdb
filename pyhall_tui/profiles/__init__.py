"""Who we are: namespace profiles in TOML, their API key in the OS keyring, their watch lists."""
