"""The formats, one module each; `registry` finds them. Pure: streams in, rows out, and back."""
