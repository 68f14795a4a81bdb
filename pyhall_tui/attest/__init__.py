"""The canonical package hash, records, manifests, drift, evidence."""
