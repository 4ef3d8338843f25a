"""How good a model is, with intervals over cases, and what it costs: metrics, comparisons, speed, memory."""
