"""One worker: everything known about it, its history, its package and its evidence."""
