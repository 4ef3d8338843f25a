"""Stored features: which patches of a slide are embedded, by what, and how they are kept."""
