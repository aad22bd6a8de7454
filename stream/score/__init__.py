"""Raw bytes become scored news. Keeps nothing in mind between two records."""
