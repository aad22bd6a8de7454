"""One invented trading day and the command that plays it."""
