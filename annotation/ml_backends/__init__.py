"""Suggestions of models behind the Label Studio ML-backend protocol (GET /health, POST /setup, POST /predict)."""
