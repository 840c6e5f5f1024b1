"""Experiments: a run is its config, and a folder that can be gone on from."""
