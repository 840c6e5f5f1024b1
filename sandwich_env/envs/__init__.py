"""The environments: one batched core under PettingZoo's and Gymnasium's interfaces."""
