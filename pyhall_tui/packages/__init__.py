"""Packages of workers: their canonical hash, their files, and what becomes of them on disk."""
