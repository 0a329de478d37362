"""What goes in: arrays, files, named data sets, and what is known about them."""
