"""Reports: recomputable analyses of a window. A kind is one module of `kinds`; its body is typed and versioned."""
