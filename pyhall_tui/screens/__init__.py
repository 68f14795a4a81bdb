"""What the operator sees, a file or folder a screen."""
