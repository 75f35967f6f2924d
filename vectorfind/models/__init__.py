"""What generators and scorers must offer, and the two of them as the pair that every stage runs."""
