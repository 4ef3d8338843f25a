"""Patches to features: the encoders, and the files that keep their features."""
