"""HTTP for services: items and metrics."""
