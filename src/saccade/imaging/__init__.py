"""The only door to pixels: stacks in memory and image files, and the meter that counts what is asked for."""
