"""Trainers: who fits the model of a run. One module each; `registry` finds them."""
