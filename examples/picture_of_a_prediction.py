"""Draw one image, the pixels the model read of it and its probabilities, and print the heaviest pixels.

python examples/picture_of_a_prediction.py runs/pbc cell.jpg cell_explained.png
"""

import sys

import numpy as np

import saccade


def main(run: str, image: str, picture: str) -> None:
    result = saccade.load(run).predict([image])[0].or_raise()
    result.plot().savefig(picture, dpi=150)
    print(result)
    for place in np.argsort(-result.weights)[:5]:
        x0, y0, x1, y1 = result.boxes[place]
        print(f"weight {result.weights[place]:.3f} at x {x0:.1f} to {x1:.1f}, y {y0:.1f} to {y1:.1f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
