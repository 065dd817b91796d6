"""Pure metrics of a live model: arrays and frozen dataclasses in and out, seeds passed in, no Django."""
