"""Several models side by side, judged: comparisons, reductions, dimensions, noise, sweeps; and synthetic copies, judged."""
