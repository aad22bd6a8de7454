"""Signals become stories and alerts, one series at a time."""
