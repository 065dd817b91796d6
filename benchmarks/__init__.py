"""How well it is kept: each module prints JSON lines with what was measured and what is to be reached."""
