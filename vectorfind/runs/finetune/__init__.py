"""Jobs of fine-tuning: images of a concept, runs, reports."""
