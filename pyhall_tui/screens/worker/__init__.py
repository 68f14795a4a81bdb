"""One worker: everything known of it, its history, its package and its evidence."""
