"""Where news comes from: feeds, files, recorded days."""
