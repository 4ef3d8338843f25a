"""Where a slide's tissue is: found on its thumbnail or given as a mask, drawn, and exchanged with QuPath."""
