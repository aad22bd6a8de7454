"""What a model is: its tasks, its releases, and how it scores. Knows nothing of Kafka."""
