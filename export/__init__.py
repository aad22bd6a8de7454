"""Offline jobs that make releases: export, quantise, check, compare, promote."""
