"""Commands about networks: their files, and scorers of one's own."""
