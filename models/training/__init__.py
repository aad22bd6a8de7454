"""Fine-tuning; the only place with torch and transformers (extra `train`)."""
