"""Webhooks out (Standard Webhooks, https://www.standardwebhooks.com): endpoints, the outbox, and delivery."""
