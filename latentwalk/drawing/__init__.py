"""How examples are shown: as tiles, lines, colours, strips and films; in a terminal's files and in a notebook."""
