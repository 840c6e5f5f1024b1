"""Studies as data: a grid of arms, run here or on a cluster, and one table of what came out."""
