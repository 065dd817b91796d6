"""Signals: what people and the world said back about a prediction."""
