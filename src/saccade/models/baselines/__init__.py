"""What SparseAttnNet is measured against: controls that pick pixels without learning, and ordinary networks."""
