"""Networks: their shape, their weights as files, and running them on batches. Needs torch (the extra `train`)."""
