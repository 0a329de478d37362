"""Planes of a latent space, and the holes seen on them."""
