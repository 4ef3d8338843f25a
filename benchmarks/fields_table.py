"""Write the README's results of fields from the files below benchmarks/results/, between its two markers.

python benchmarks/fields_table.py            # rewrite README.md
python benchmarks/fields_table.py --check    # exit 1 if README.md says anything else
"""

import csv
from typing import Any

import numpy as np
from tables import RESULTS, Results, accuracy, load_results, mean, newest, pair_lines, rewrite

START = "<!-- results:fields -->"
STUDY = RESULTS / "fields-composed"
PAIRS = (
    ("attention-sampling", "uniform-patches"),
    ("attention-sampling", "stain-patches"),
    ("attention-sampling", "downscaled-cnn"),
    ("attention-sampling", "oracle-patches"),
    ("without replacement", "uniform-patches"),
    ("without replacement", "downscaled-cnn"),
)
TITLES = {
    "plain": "Plain composed fields (proxy data): PBC cells on RBC-12 smears, 1024×1024, one cell of 4 classes among "
    "red cells; {n} test fields; 5 patches of 64.",
    "distractors": "Distractor fields (proxy data): the same with three cells of classes outside the task beside it.",
    "digits": "Megapixel-MNIST (composed): 375×375, three of five digits agree, 3 classes; {n} test fields; 10 patches "
    "of 28.",
}


def study_table(results: Results) -> list[str]:
    """One row per model: accuracy, where it looked, what it read."""
    lines = [
        "| model | accuracy, % (95 % interval) | seeds | heaviest in box, % | box mass, % | hit rate, % | found, % "
        "| read, % | looked at, % | parameters |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, ones in results.items():
        places = " | ".join(pointing(ones, key) for key in ("heaviest", "looked", "hits", "found"))
        pixels = [100 * mean(ones, key) for key in ("pixels_read_fraction", "pixels_looked_fraction")]
        lines.append(
            f"| {name} | {accuracy(results, name)} | {len(ones)} | {places} | {pixels[0]:.1f} | {pixels[1]:.1f} "
            f"| {ones[0]['parameters']:,} |"
        )
    return lines


def seed_line(results: Results) -> list[str]:
    """Accuracies one by one where there are several: a mean hides a model that learns in one training of three."""
    several = {name: ones for name, ones in results.items() if len(ones) > 1}
    told = [
        " ".join([name, *(f"{100 * one['accuracy']['value']:.1f}" for one in ones)]) for name, ones in several.items()
    ]
    return [f"Accuracy by seed (intervals above are over fields): {'; '.join(told)}.", ""] if told else []


def take_off_line(results: Results) -> list[str]:
    """When each training began to learn: the first epoch that is right twice as often as guessing, in validation."""
    told = [
        " ".join([name, *(f"{take_off(one)} of {one['epochs']}" for one in ones)]) for name, ones in results.items()
    ]
    line = "Take-off, the first epoch with twice the accuracy of guessing on the validation part, by seed: "
    return [f"{line}{'; '.join(told)}.", ""]


def take_off(one: dict[str, Any]) -> str:
    """The epoch, or that there was none."""
    rows = list(csv.DictReader(one["history"]))
    wanted = 2 / len(set(one["labels"]))
    return next((row["epoch"] for row in rows if float(row["val_accuracy"]) >= wanted), "none")


def pointing(ones: list[dict[str, Any]], key: str) -> str:
    """A share inside the truth boxes over the seeds, in percent; nothing where it would mean nothing.

    That is, of models that read or look everywhere; and none of all patches is the heaviest where they count alike.
    """
    model = ones[0]["recipe"]["model"]
    if key == "heaviest" and (model["name"] != "attention-sampling" or model.get("estimator") == "distinct"):
        return ""
    found = [one["pointing"][key] for one in ones if one["pointing"] and one["pointing"][key] is not None]
    reads_patches = ones[0]["pixels_read_fraction"] not in (0, 1)
    return f"{100 * np.mean(found):.1f}" if found and reads_patches else ""


def speed_table(rows: list[dict[str, Any]]) -> list[str]:
    """One row per model: multiplications, time and memory of one field, and how much the whole image takes of each."""
    whole = next(row for row in rows if row["model"] == "full-image-cnn")
    lines = [
        "| model | MMAC | × fewer | ms | × faster | ms with decoding | × faster | peak memory, MB | × less |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    measures = (
        ("flops_per_image", 0.5e-6, "{:,.0f}"),
        ("seconds_per_image", 1e3, "{:.1f}"),
        ("seconds_per_image_with_decoding", 1e3, "{:.1f}"),
        ("peak_memory_bytes", 1e-6, "{:.1f}"),
    )
    for row in rows:
        cells = [f"{form.format(row[key] * unit)} | {whole[key] / row[key]:.1f}" for key, unit, form in measures]
        lines.append(f"| {row['model']} | {' | '.join(cells)} |")
    return lines


def conditional_table(results: Results) -> list[str]:
    """One row per arm: accuracy, and how often the second half was found."""
    lines = ["| selection | accuracy, % | second part read, % | seeds | parameters |", "|---|---|---|---|---|"]
    for name, ones in results.items():
        shares = " | ".join(" ".join(f"{100 * one[key]:.1f}" for one in ones) for key in ("accuracy", "hit"))
        lines.append(f"| {name} | {shares} | {len(ones)} | {ones[0]['parameters']:,} |")
    return lines


def section() -> str:
    """All that stands between the markers."""
    lines: list[str] = []
    for task, title in TITLES.items():
        found = load_results(STUDY, f"{task}-")
        if found:
            order = sorted(found, key=lambda name: -mean([one["accuracy"] for one in found[name]], "value"))
            results = {name: found[name] for name in order}
            n = results[order[0]][0]["n"]
            pairs = pair_lines(results, PAIRS)
            lines += [
                title.format(n=n),
                "",
                *study_table(results),
                "",
                *seed_line(results),
                *take_off_line(results),
                *pairs,
                "",
            ]
    lines += [
        "Conditional sampling (simulated, a task made for it): an object twice as long as a patch, in two parts side "
        "by side; the first says on which of four sides the second lies, and the second is the class. The look is "
        "first taught the true places of the first parts (of the four places beside them for *ring*); all else is "
        "learned from the class. Two patches are read. Chosen at once they find the second part every other time, "
        "an accuracy of 66.7 %, unless they are set off so that each touches two of the four places. Per seed:",
        "",
        *conditional_table(load_results(RESULTS / "fields-conditional")),
        "",
    ]
    speed = newest("fields-speed")
    machine, step, gather = speed["machine"], speed["training_step_seconds"], speed["gather_seconds"]
    quiet = newest("fields-training-time")
    rows = {row["model"]: row for row in speed["rows"]}
    names = ("attention-sampling, 20 patches of 50", "full-image-cnn", "full-image-cnn in bands of 64 rows")
    ours, whole, bands = (rows[name]["seconds_per_image"] for name in names)
    ours_decoded, _, bands_decoded = (rows[name]["seconds_per_image_with_decoding"] for name in names)
    lines += [
        "Each file read the test part once, and no choice was made after that. The cells pasted into the test fields "
        "of *plain* and *distractors* are none that an earlier test figure had been seen of (see the log). Trainings "
        "ran several at a time on a busy machine; alone on two cores, one of plain fields (an earlier set of as many) "
        f"takes {quiet['seconds_training'] / 60:.1f} min, decoding included. *Box mass* is the look map's probability "
        "inside the truth boxes, *hit rate* the share of patches, *found* that of fields with any patch there. "
        "`oracle-patches` knows the boxes.",
        "",
        f"Cost of one field of 1000×1300, all models in one process ({machine['processor']}, "
        f"{machine['threads']} threads, {machine['date']}, torch {machine['torch']}); decoding a JPEG takes "
        f"{1e3 * speed['rows'][0]['seconds_decoding']:.1f} ms of it. Ratios are against `full-image-cnn`, the same "
        f"feature network on every pixel in one piece. In bands, which is how Saccade runs it by default, it takes "
        f"less memory and {100 * bands / whole:.0f} % of the time; against that, ours is {bands / ours:.1f} times "
        f"faster, {bands_decoded / ours_decoded:.1f} times with decoding.",
        "",
        *speed_table(speed["rows"]),
        "",
        f"A training step at the published setting (8 fields, 4 sets of 20 patches of 50) takes {step['lean']:.2f} s, "
        f"and {step['plain']:.2f} s with a graph through every pixel read. Cutting 640 patches of 50 takes "
        f"{1e3 * gather['one gather']:.1f} ms at once and {1e3 * gather['loop']:.1f} ms one by one.",
        "",
        "Remade by `benchmarks/fields_study.py`, `benchmarks/fields_speed.py` and `benchmarks/fields_table.py`.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    rewrite(START, section(), __doc__)
