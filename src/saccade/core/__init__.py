"""What every other part stands on: results, contracts, manifests, splits, the registry, errors and units.

Nothing here imports another part of saccade, and importing this package does not import torch.
"""
