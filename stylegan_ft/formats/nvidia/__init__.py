"""NVIDIA's own pickles of generators: of PyTorch, and of TensorFlow before."""
