"""The input types, one module each: how a value is checked, when it is missing, and how a model gets it."""
