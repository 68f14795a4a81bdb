"""Trying a policy: snippets, live runs, matrix, baselines, history."""
