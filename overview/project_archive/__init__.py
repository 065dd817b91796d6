"""A whole project in one file: written from a running installation, verified and loaded into another."""
