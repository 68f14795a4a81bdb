"""Records, manifests, evidence logs: what is said of a worker, and what proves it."""
