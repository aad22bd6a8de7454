"""Measurements that anyone can repeat: `newstide bench`."""
