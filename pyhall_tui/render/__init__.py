"""Typed state to words, glyphs and style names; the one place where text from the network is cleaned."""
