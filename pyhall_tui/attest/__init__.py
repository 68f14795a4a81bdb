"""Records, manifests, evidence logs: what is said about a worker, and what proves it."""
