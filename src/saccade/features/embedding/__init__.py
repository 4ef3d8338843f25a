"""Embedding slides: a job that never loses a slide, goes on where it was killed, and says what became of each."""
