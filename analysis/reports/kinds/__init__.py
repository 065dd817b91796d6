"""Report kinds, one module each; `analysis.reports.registry` finds them."""
