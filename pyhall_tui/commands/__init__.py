"""The command line's groups, one file each; imported when called, and without Textual."""
