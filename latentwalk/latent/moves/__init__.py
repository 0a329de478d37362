"""Ways through a latent space, and what is made of points in it: `LatentSpace` has them as methods."""
