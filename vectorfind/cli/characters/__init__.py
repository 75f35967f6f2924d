"""Commands about single faces."""
