"""Pure tensor functions: choosing sites, gathering pixels, positions, attention of a single query."""
