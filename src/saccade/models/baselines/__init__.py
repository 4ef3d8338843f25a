"""What the methods are measured against: controls that choose without learning, ordinary networks, others' methods."""
