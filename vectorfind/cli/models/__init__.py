"""Commands about networks: their files, scorers of one's own, and stores of their samples."""
