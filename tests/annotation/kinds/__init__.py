"""Tests of task kinds beyond one label."""
