"""Convolutional networks from scratch, in NumPy, with a Keras twin."""
