"""Several models side by side, judged: comparisons, reductions, numbers of dimensions, noise, sweeps."""
