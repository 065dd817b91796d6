"""Training-serving skew: the same features of the same keys, as a model was trained on them and as it was served."""
