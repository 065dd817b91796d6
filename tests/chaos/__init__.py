"""The seeded crash test: real workers, real kills, and a checker of what was promised."""
