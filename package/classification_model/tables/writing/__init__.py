"""Tables written in blocks, under their name when they are whole."""
