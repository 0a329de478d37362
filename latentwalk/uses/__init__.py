"""What autoencoders are used for: noise removal, fewer dimensions, finding what does not belong."""
