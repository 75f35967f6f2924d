"""The property CNN: its network, training, weights, and the scorer that users call."""
