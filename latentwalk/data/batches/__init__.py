"""Mini-batches: of data in memory, of data read ahead of training, of examples that pass by."""
