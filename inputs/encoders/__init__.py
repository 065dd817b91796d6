"""Text encoders: texts in, unit vectors out, by a sentence encoder on the CPU or by TF-IDF."""
