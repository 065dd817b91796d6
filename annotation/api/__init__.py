"""HTTP for services: capture in, work out."""
