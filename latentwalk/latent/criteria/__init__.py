"""Judgements of a latent space: functions of it, each a `Measure` or a number."""
