"""What the operator sees: one file or folder per screen."""
