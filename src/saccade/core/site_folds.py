"""Folds that keep sites whole: a model is tested on images from hospitals that it has not seen.

Slides tell the hospital that stained and scanned them, and hospitals differ in what they treat: a model tested at the
hospitals it was trained on may tell those apart in place of the classes. Site here is the manifest's column of that
name. After Howard et al. 2021, The impact of site-specific digital histology signatures on deep learning model accuracy
and bias (Nature Communications 12, 4423): sites are assigned to folds so that each fold holds as nearly as possible its
share of each class. They solve a quadratic program; here the stratified draw of ``core.stratification`` over sites is
improved by moving and swapping sites until nothing helps.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from saccade.core.errors import BadInput
from saccade.core.manifest import Row
from saccade.core.stratification import Cases, distribute

_FAULT = 1000.0
"""What a fold without images, or one that holds all of a class, costs; no unevenness comes near."""

_ROUNDING = 1e-9


def fold_sites(rows: Sequence[Row], folds: int, seed: int = 0) -> dict[str, int]:
    """The fold of each case, the same for all cases of a site; in every fold every class is left to train on.

    Cost: O(site² · class) a pass over all swaps; 200 sites take about a second.

    Raises:
        BadInput: A row without site, a case of two sites, fewer sites than folds, a class of one site only, or a class
            that would be in no training part however the sites are divided.
    """
    site_of = _site_of_case(rows)
    sites = Cases(replace(row, case_id=row.site) for row in rows)
    _require_sites(sites, folds)
    keys = [str(fold) for fold in range(folds)]
    drawn = distribute(sites, dict.fromkeys(keys, 1 / folds), dict.fromkeys(keys, 0), seed)
    division = Division(sites, {site: int(key) for site, key in drawn.items()}, folds)
    division.improve()
    division.require_trained()
    return {case: division.fold_of[site] for case, site in site_of.items()}


class Division:
    """Sites divided into folds, and how far each fold is from its share of each class.

    A fold costs Σ_class (n_class / N_class − 1 / folds)², with n of the N images of a class in it.

    Args:
        sites: The sites, as cases.
        fold_of: The fold of each.
        folds: How many there are.
    """

    def __init__(self, sites: Cases, fold_of: Mapping[str, int], folds: int) -> None:
        self.labels = sorted(sites.of_label)
        self.folds = folds
        self.fold_of = dict(fold_of)
        self.images = {site: [sites.labels[site][label] for label in self.labels] for site in sites.names}
        self.totals = [sum(counts) for counts in zip(*self.images.values(), strict=True)]
        self.held = [[0] * len(self.labels) for _ in range(folds)]
        for site, fold in self.fold_of.items():
            self.held[fold] = _sum(self.held[fold], self.images[site])

    def cost(self) -> float:
        """How uneven the folds are, in sum."""
        return sum(map(self._cost_of, self.held))

    def improve(self) -> None:
        """Move single sites and swap pairs of them for as long as that makes the folds more even."""
        better = True
        while better:
            better = False
            for change in self._changes():
                better = self._try(change) or better

    def require_trained(self) -> None:
        """Refuse folds that leave a class to no training part.

        Raises:
            BadInput: Naming the class.
        """
        for label, total, *held in zip(self.labels, self.totals, *self.held, strict=True):
            if total in held:
                message = f"{self.folds} folds of whole sites leave no image of {label!r} to train on in one of them"
                raise BadInput(message, "ask for more folds, or for folds that do not preserve sites")

    def _changes(self) -> Iterator[dict[str, int]]:
        """Every move of a site to another fold and every swap of two, from where they are when their turn comes."""
        for site in self.images:
            for fold in range(self.folds):
                yield {site: fold}
        for one, other in combinations(self.images, 2):
            yield {one: self.fold_of[other], other: self.fold_of[one]}

    def _try(self, change: Mapping[str, int]) -> bool:
        """Keep a change if the folds that it touches become more even in sum."""
        touched: dict[int, list[int]] = {}
        for site, fold in change.items():
            before = self.fold_of[site]
            if fold != before:
                touched[before] = _sum(touched.get(before, self.held[before]), self.images[site], -1)
                touched[fold] = _sum(touched.get(fold, self.held[fold]), self.images[site])
        gain = sum(self._cost_of(self.held[fold]) - self._cost_of(held) for fold, held in touched.items())
        if gain <= _ROUNDING:
            return False
        self.fold_of |= change
        for fold, held in touched.items():
            self.held[fold] = held
        return True

    def _cost_of(self, held: Sequence[int]) -> float:
        share = 1 / self.folds
        counts = list(zip(held, self.totals, strict=True))
        faults = (not any(held)) + sum(count == total for count, total in counts)
        return _FAULT * faults + sum((count / total - share) ** 2 for count, total in counts)


def _sum(one: Sequence[int], other: Sequence[int], sign: int = 1) -> list[int]:
    return [a + sign * b for a, b in zip(one, other, strict=True)]


def _site_of_case(rows: Sequence[Row]) -> dict[str, str]:
    """The site of each case."""
    found: dict[str, str] = {}
    for row in rows:
        if not row.site:
            raise BadInput("has no site", "fill in the column site, or do not preserve sites", row.place)
        if found.setdefault(row.case, row.site) != row.site:
            message = f"case {row.case!r} is of site {row.site!r}, but of {found[row.case]!r} in an earlier row"
            raise BadInput(message, "give all images of a case the same site", row.place)
    return found


def _require_sites(sites: Cases, folds: int) -> None:
    """Refuse what no division can do: more folds than sites, or to test a class away from where it was trained."""
    if not 2 <= folds <= len(sites.names):
        count = len(sites.names)
        remedy = f"give a number from 2 to {count}" if count > 1 else "do not preserve sites"
        raise BadInput(f"{folds} folds cannot keep {count} site{'s'[: count != 1]} whole", remedy)
    for label, names in sorted(sites.of_label.items()):
        if len(names) == 1:
            message = (
                f"all images of {label!r} are of the site {next(iter(names))!r}: tested there, it would be untrained"
            )
            raise BadInput(message, "leave the class out, add a site, or do not preserve sites")
