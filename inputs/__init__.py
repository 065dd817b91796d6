"""Typed inputs of a model: how each type is checked, what counts as missing, how it is read and encoded. Pure."""
