"""From a recipe to a run folder: the typed recipe, the training task, its callbacks and the budget's schedule.

Importing this package imports neither torch nor Lightning; ``train`` does.
"""
