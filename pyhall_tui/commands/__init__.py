"""The command line's groups, a file each; imported when called, and without Textual."""
