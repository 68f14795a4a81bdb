"""The log, and the masking of secrets in every text that is stored or shown."""
