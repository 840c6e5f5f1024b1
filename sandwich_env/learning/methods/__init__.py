"""Ways for H to play when advised, and to learn from its games."""
