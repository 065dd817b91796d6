"""Backtest: a labelled file through the real loop in a throw-away installation, to know its cost before it is spent."""
