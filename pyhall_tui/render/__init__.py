"""From typed state to words, glyphs and style names; the only place where text from the network is cleaned."""
