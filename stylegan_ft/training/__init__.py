"""Training of the shipped generator from nothing: pretraining, adversarial training, measures."""
