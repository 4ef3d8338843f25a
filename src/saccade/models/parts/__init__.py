"""Parts that models of pixels are built from: looks, selections, tokens, attention."""
