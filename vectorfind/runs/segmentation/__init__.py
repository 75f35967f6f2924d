"""Training, testing and comparing segmenters in folders; hair is one use of them."""
