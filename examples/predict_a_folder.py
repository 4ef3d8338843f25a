"""Predict every image of a folder with a trained run, and list where the model is unsure.

python examples/predict_a_folder.py runs/pbc images/
"""

import sys

import saccade
from saccade.datasets import list_images

UNSURE = 0.8


def main(run: str, folder: str) -> None:
    predictor = saccade.load(run)
    for result in predictor.stream(list_images(folder)):
        if result.error:
            print(f"skipped: {result.error}")
        elif result.probabilities[result.label] < UNSURE:
            chances = ", ".join(f"{name} {chance:.0%}" for name, chance in result.probabilities.items())
            print(f"{result.name}: {chances}")


if __name__ == "__main__":
    main(*sys.argv[1:])
