"""Profiles of namespaces in TOML, their API keys in the OS keyring, their watch lists."""
