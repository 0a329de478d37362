"""Curves of measures over dimensions, weights, networks and amounts of data, kept trial by trial."""
