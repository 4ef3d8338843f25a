"""The peers of SPAN on the classic bags, beside what is published: accuracy in 10-fold cross-validation.

    python benchmarks/mil_bags.py --data ../shared/data/mil_bags --out benchmarks/results/2026-11-21-mil-bags.json

These bags are sets without places, so SPAN is not among them; they tell whether the peers are built and trained well
enough to be beaten honestly. Per seed one stratified split of the bags into ten parts; each part is predicted once, by
a model that saw the other nine. Features are standardised by the instances of the training bags alone. Settings were
fixed for all folds, both data sets and all models alike before any part was predicted, so there is no validation part:
Adam, steps of 4 bags, 40 epochs, the last model counts. Networks are the small ones of the field for these bags (Wang
et al. 2018, Ilse et al. 2018): three layers of 256, 128 and 64 numbers embed an instance for mean, max, gated ABMIL and
CLAM-SB, with 64 numbers within the attention; DSMIL takes the features as they are, as its authors do; the two
transformers have a width of 64.

After two seeds gated ABMIL lay 5.7 points below its mark on Musk1 (4.5 after three). Three other trainings, chosen
before they were run, stand beside it under names of their own; the best of them is not the figure of the peer.

Intervals are 95 %, bootstrap over bags, the seeds' mean being one figure per bag. Published: Ilse et al. 2018, table 1
(arXiv 1802.04712), gated attention, 10-fold. DSMIL's released training code reports the best epoch on the test fold,
with the threshold that suits that fold best, and is not compared.
A file that exists is gone on with: what it holds is not run again. CPU time on one thread, per data set and seed: 10 to
80 seconds; slide-transformer 80 on Musk1, TransMIL 280, and more than twice that on Elephant.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe_machine
from sklearn.model_selection import StratifiedKFold
from torch import nn

from saccade.core.bags import Bags
from saccade.core.contract import ClassTargets, SparseClassifier
from saccade.core.files import write_text
from saccade.datasets.mil_bags import MilBags, load_mil_bags
from saccade.evaluation.comparison import paired_difference
from saccade.evaluation.cost import count_parameters
from saccade.models import create_model

DATA = ("musk1", "elephant")
FOLDS, SEEDS, EPOCHS, STEP = 10, 3, 40, 4
LEARNING_RATE, WEIGHT_DECAY = 1e-3, 5e-3
EMBEDDING = (256, 128, 64)


@dataclass(frozen=True)
class Peer:
    """A registered model made small, and what differs in its training."""

    model: str
    options: dict[str, Any]
    embedding: tuple[int, ...] = ()
    """Layers that embed an instance; none leaves the model's own."""
    dropout: float = 0.0
    """Behind each of them."""
    bags_per_step: int = STEP
    learning_rate: float = LEARNING_RATE


_GATED = Peer("gated-abmil", {"width": 64, "hidden": 64}, EMBEDDING)
PEERS = {
    "mean-pooling": Peer("mean-pooling", {"width": 64}, EMBEDDING),
    "max-pooling": Peer("max-pooling", {"width": 64}, EMBEDDING),
    "gated-abmil": _GATED,
    "clam-sb": Peer("clam-sb", {"width": 64, "hidden": 64, "dropout": 0.0}, EMBEDDING),
    "dsmil": Peer("dsmil", {}),
    "slide-transformer": Peer("slide-transformer", {"width": 64, "heads": 4}),
    "transmil": Peer("transmil", {"width": 64}),
    "gated-abmil, one bag a step": replace(_GATED, bags_per_step=1, learning_rate=5e-4),
    "gated-abmil, one layer": replace(_GATED, embedding=()),
    "gated-abmil, dropout": replace(_GATED, dropout=0.5),
}
"""By their names in the results; the last three are what was tried when the plain one missed its mark on Musk1."""

PUBLISHED = {"musk1": {"gated-abmil": 0.900}, "elephant": {"gated-abmil": 0.857}}


def build(peer: Peer, classes: tuple[str, ...], features: int) -> SparseClassifier:
    """The small version of a peer."""
    model = create_model(peer.model, classes, in_features=features, **peer.options)
    if peer.embedding:
        sizes = zip((features, *peer.embedding), peer.embedding, strict=False)
        layers = ((nn.Linear(a, b), nn.ReLU(), nn.Dropout(peer.dropout)) for a, b in sizes)
        model.read = nn.Sequential(*(part for layer in layers for part in layer))
    return model


def standardised(data: MilBags, training: np.ndarray) -> list[Bags]:
    """Every bag alone, with features of mean 0 and deviation 1 over the instances of the training bags."""
    rows = data.bags.features.split(data.bags.lengths)
    known = torch.cat([rows[bag] for bag in training])
    features = (data.bags.features - known.mean(0)) / known.std(0).clamp_min(1e-6)
    whole = Bags(features, data.bags.cells, data.bags.lengths)
    return [whole[bag] for bag in range(len(data))]


def train(peer: Peer, model: SparseClassifier, bags: list[Bags], labels: torch.Tensor, training: np.ndarray) -> None:
    """All epochs; the last model is the one."""
    optimiser = torch.optim.Adam(model.parameters(), lr=peer.learning_rate, weight_decay=WEIGHT_DECAY, fused=True)
    known = torch.from_numpy(training)
    model.train()
    for _ in range(EPOCHS):
        for step in known[torch.randperm(len(known))].split(peer.bags_per_step):
            optimiser.zero_grad()
            some = Bags.concatenate([bags[bag] for bag in step.tolist()])
            model.losses(some, ClassTargets(labels[step])).total.backward()
            optimiser.step()


def run(data: MilBags, peer: Peer, seed: int) -> dict[str, Any]:
    """Ten folds of one split: what each bag was taken for by the model that had not seen it."""
    start, labels = time.process_time(), torch.tensor(data.labels)
    predicted, accuracies = torch.full_like(labels, -1), []
    splitter, parameters = StratifiedKFold(FOLDS, shuffle=True, random_state=seed), 0
    for fold, (training, test) in enumerate(splitter.split(labels, labels)):
        torch.manual_seed(1000 * seed + fold)
        bags = standardised(data, training)
        model = build(peer, data.classes, data.bags.features.shape[1])
        train(peer, model, bags, labels, training)
        with torch.no_grad():
            logits = model.eval()(Bags.concatenate([bags[bag] for bag in test])).logits
        predicted[test] = logits.argmax(1)
        accuracies.append(round(float((predicted[test] == labels[test]).float().mean()), 4))
        parameters = count_parameters(model)
    return {
        "seed": seed,
        "accuracy": round(float((predicted == labels).float().mean()), 4),
        "folds": accuracies,
        "predicted": predicted.tolist(),
        "parameters": parameters,
        "cpu_seconds": round(time.process_time() - start, 1),
    }


def summary(data: MilBags, runs: list[dict[str, Any]], published: float | None) -> dict[str, Any]:
    """The mean of the seeds with its interval, and how far it lies from what is published."""
    right = np.array([np.equal(one["predicted"], data.labels) for one in runs], dtype=float)
    found = paired_difference(right, np.zeros_like(right), list(data.names))
    result = {"seeds": len(runs), "accuracy": {"value": found.value, "low": found.low, "high": found.high}}
    if published is not None:
        result |= {"published": published, "difference": found.value - published}
    return result


def main() -> None:
    """Run what is missing, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="holds musk1.csv and elephant.csv")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kinds", nargs="*", default=list(DATA), choices=list(DATA), metavar="DATA")
    parser.add_argument("--only", nargs="*", default=list(PEERS), choices=list(PEERS), metavar="PEER")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    result: dict[str, Any] = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    for seed in range(arguments.seeds):
        for name in arguments.only:
            for kind in arguments.kinds:
                row = result.setdefault("data", {}).setdefault(kind, {}).setdefault(name, {"runs": []})
                if seed in [one["seed"] for one in row["runs"]]:
                    continue
                data = load_mil_bags(arguments.data / f"{kind}.csv")
                row["runs"].append(run(data, PEERS[name], seed))
                row |= summary(data, row["runs"], PUBLISHED[kind].get(PEERS[name].model))
                result |= {"settings": settings(), "machine": describe_machine()}
                write_text(arguments.out, json.dumps(result, indent=1) + "\n")
                last = row["runs"][-1]
                print(f"{kind}, {name}, seed {seed}: {last['accuracy']:.3f} in {last['cpu_seconds']} s", flush=True)


def settings() -> dict[str, Any]:
    """What was the same for all, and each peer's own."""
    same = {"folds": FOLDS, "epochs": EPOCHS, "optimiser": "Adam", "weight_decay": WEIGHT_DECAY}
    return same | {"peers": {name: asdict(peer) for name, peer in PEERS.items()}}


if __name__ == "__main__":
    main()
