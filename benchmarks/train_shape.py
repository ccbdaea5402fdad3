"""Train the network that judges the shape of footprints, and print how well it does.

    python -m benchmarks.train_shape [--shared ../shared/data] [--write]

Positives are bodies of cells: bent ellipses, full and with a dark nucleus, with noise and ragged edges. Negatives are
what else comes out of a factorisation: processes and vessels, clouds of neuropil, pairs of cells in one footprint,
parts of cells, specks. Everything is drawn with a seed, so that the same weights come out again. Without ``--write``
nothing is changed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from pipeline.engines.builtin import shape_score
from pipeline.engines.builtin.shape_score import SIDE, judged, portrait

Floats = NDArray[np.float32]
Image = Callable[[np.random.Generator], Floats]

GSIG = 4.0
CANVAS = 56
HIDDEN = 24
ROUNDS, BATCH, RATE, DECAY = 40, 256, 1e-3, 1e-4


def soma(rng: np.random.Generator, centre: tuple[float, float] | None = None) -> Floats:
    """The body of a cell, ``(CANVAS, CANVAS)``, maximum about 1."""
    rows, columns = np.mgrid[:CANVAS, :CANVAS]
    y, x = centre or (CANVAS / 2 + rng.uniform(-2, 2), CANVAS / 2 + rng.uniform(-2, 2))
    radius, stretch = GSIG * rng.uniform(0.85, 1.75), rng.uniform(0.78, 1.28)
    turn, phase = rng.uniform(0, np.pi, 2)
    dy, dx = rows - y, columns - x
    along, across = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
    distance = np.hypot(along / stretch, across * stretch) / radius
    distance *= 1 + rng.uniform(0, 0.15) * np.cos(rng.integers(2, 5) * np.arctan2(dy, dx) + phase)
    body = 1 / (1 + np.exp(np.clip((distance - 1) * rng.uniform(5, 12), -50, 50)))
    nucleus = rng.choice([0.0, rng.uniform(0.2, 0.9)]) * np.exp(-((distance / rng.uniform(0.4, 0.6)) ** 2) / 2)
    return (body * (1 - nucleus)).astype(np.float32)


def process(rng: np.random.Generator) -> Floats:
    """A dendrite, an axon or the edge of a vessel: a bent line."""
    t = np.linspace(-1, 1, 400)
    length, turn, bend = rng.uniform(1.8, 6) * GSIG, rng.uniform(0, np.pi), rng.uniform(-0.5, 0.5)
    along, across = length * t, bend * length * t**2
    y, x = (CANVAS / 2 + along * np.sin(turn) + across * np.cos(turn),
            CANVAS / 2 + along * np.cos(turn) - across * np.sin(turn))  # fmt: skip
    image = np.zeros((CANVAS, CANVAS))
    inside = (y >= 0) & (y < CANVAS - 1) & (x >= 0) & (x < CANVAS - 1)
    image[y[inside].astype(int), x[inside].astype(int)] = 1
    wide = ndimage.gaussian_filter(image, rng.uniform(0.15, 0.42) * GSIG)
    return (wide / wide.max()).astype(np.float32)


def cloud(rng: np.random.Generator) -> Floats:
    """A piece of neuropil: the largest connected part of smooth noise, larger and more ragged than a cell."""
    noise = ndimage.gaussian_filter(rng.standard_normal((CANVAS, CANVAS)), rng.uniform(0.5, 2.2) * GSIG)
    rows, columns = np.mgrid[:CANVAS, :CANVAS]
    noise /= noise.std()
    noise += 1.5 * np.exp(-((rows - CANVAS / 2) ** 2 + (columns - CANVAS / 2) ** 2) / (2 * (2.5 * GSIG) ** 2))
    labels, count = ndimage.label(noise > rng.uniform(0.4, 1.0))
    if count == 0:
        return process(rng)
    sizes = ndimage.sum_labels(np.ones_like(noise), labels, np.arange(1, count + 1))
    piece = np.where(labels == 1 + int(np.argmax(sizes)), noise, 0)
    if sizes.max() < 4.5 * np.pi * GSIG**2:
        return process(rng)
    return (piece / piece.max()).astype(np.float32)


def pair(rng: np.random.Generator) -> Floats:
    """Two cells in one footprint."""
    turn, apart = rng.uniform(0, 2 * np.pi), rng.uniform(2.0, 3.4) * GSIG
    middle = CANVAS / 2
    y, x = apart / 2 * np.sin(turn), apart / 2 * np.cos(turn)
    return np.maximum(soma(rng, (middle + y, middle + x)), rng.uniform(0.5, 1) * soma(rng, (middle - y, middle - x)))


def part_of_a_cell(rng: np.random.Generator) -> Floats:
    """A half, a crescent or less of a cell."""
    body = soma(rng)
    rows, columns = np.mgrid[:CANVAS, :CANVAS]
    turn = rng.uniform(0, 2 * np.pi)
    side = (rows - CANVAS / 2) * np.sin(turn) + (columns - CANVAS / 2) * np.cos(turn)
    return np.where(side > rng.uniform(0.0, 0.5) * GSIG, body, 0).astype(np.float32)


def speck(rng: np.random.Generator) -> Floats:
    """A few bright pixels, or scattered ones."""
    image = np.zeros((CANVAS, CANVAS))
    count = rng.integers(1, 14)
    spread = rng.uniform(0.1, 2.0) * GSIG
    where = np.clip(CANVAS / 2 + spread * rng.standard_normal((count, 2)), 1, CANVAS - 2).astype(int)
    image[where[:, 0], where[:, 1]] = rng.uniform(0.3, 1, count)
    return ndimage.gaussian_filter(image, rng.uniform(0.1, 0.3) * GSIG).astype(np.float32)


NEGATIVES: tuple[Image, ...] = (process, process, cloud, pair, part_of_a_cell, speck)


def worn(rng: np.random.Generator, image: Floats) -> Floats:
    """As a factorisation would find it: noise in every pixel, a ragged edge, cut at a share of the maximum."""
    noisy = image / max(float(image.max()), 1e-6)
    noisy = noisy * (1 + rng.uniform(0, 0.35) * rng.standard_normal(image.shape))
    noisy += rng.uniform(0, 0.12) * rng.standard_normal(image.shape) * (ndimage.maximum_filter(image, 5) > 0.1)
    noisy = ndimage.gaussian_filter(noisy, rng.uniform(0, 0.8))
    cut = np.where(noisy >= rng.uniform(0.05, 0.35) * noisy.max(), noisy, 0)
    if rng.random() < 0.15:
        cut = (cut > 0).astype(np.float32)  # binary masks are judged, too
    return np.maximum(cut, 0).astype(np.float32)


def drawn(rng: np.random.Generator, n: int) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Portraits ``(n, SIDE, SIDE)``, whether each is a cell, and which kind of negative (-1 for cells)."""
    images, is_cell, kinds = [], [], []
    for number in range(n):
        kind = -1 if number % 2 else int(rng.integers(len(NEGATIVES)))
        image = worn(rng, (soma if kind < 0 else NEGATIVES[kind])(rng))
        gSig = (GSIG * rng.uniform(0.85, 1.15),) * 2  # nobody knows the size of a cell exactly
        images.append(portrait(image, image.shape, gSig))
        is_cell.append(int(kind < 0))
        kinds.append(kind)
    return np.stack(images), np.array(is_cell), np.array(kinds)


def train(portraits: Floats, is_cell: NDArray[np.int64], rng: np.random.Generator) -> tuple[Floats, ...]:
    """Weights of the network: cross entropy, Adam, every round turned and mirrored anew."""
    shapes = ((SIDE * SIDE, HIDDEN), (HIDDEN,), (HIDDEN,), ())
    scale = (np.sqrt(2 / (SIDE * SIDE)), 0.0, np.sqrt(1 / HIDDEN), 0.0)
    network = [np.asarray(rng.standard_normal(shape) * s) for shape, s in zip(shapes, scale, strict=True)]
    first, second = ([np.zeros(shape) for shape in shapes] for _ in range(2))
    step = 0
    for turn in range(ROUNDS):
        rate = RATE * (1 - turn / ROUNDS)
        order = rng.permutation(len(portraits))
        for start in range(0, len(order), BATCH):
            part = order[start : start + BATCH]
            x = np.rot90(portraits[part], int(rng.integers(4)), (1, 2))
            x = (x[:, :, ::-1] if rng.random() < 0.5 else x).reshape(len(part), -1).astype(np.float64)
            hidden, bias, out, last = network
            inside = x @ hidden + bias
            active = np.maximum(inside, 0)
            wrong = (1 / (1 + np.exp(-(active @ out + last))) - is_cell[part]) / len(part)
            back = np.outer(wrong, out) * (inside > 0)
            slopes = [x.T @ back + DECAY * hidden, back.sum(0), active.T @ wrong + DECAY * out, wrong.sum()]
            step += 1
            for k, slope in enumerate(slopes):
                first[k] = 0.9 * first[k] + 0.1 * slope
                second[k] = 0.999 * second[k] + 0.001 * np.square(slope)
                unbiased = first[k] / (1 - 0.9**step), second[k] / (1 - 0.999**step)
                network[k] = network[k] - rate * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8)
    return tuple(np.asarray(values, np.float32) for values in network)


def report(network: tuple[Floats, ...], shared: Path | None) -> dict[str, Any]:
    """Accuracy on drawn footprints that were not trained with, and on the shared recordings."""
    portraits, is_cell, kinds = drawn(np.random.default_rng(1), 4000)
    scores = judged(portraits, network)
    found: dict[str, Any] = {
        "accuracy_drawn": round(float(((scores > 0.5) == is_cell).mean()), 4),
        "cells_at_or_below_0.1": round(float((scores[is_cell == 1] <= 0.1).mean()), 4),
        "negatives_at_or_below_0.1": {
            kind.__name__: round(float((scores[kinds == k] <= 0.1).mean()), 3) for k, kind in enumerate(NEGATIVES)
        },
        "negatives_at_or_above_0.9": round(float((scores[is_cell == 0] >= 0.9).mean()), 4),
    }
    if shared is not None:
        with np.load(shared / "movies" / "cortex_2p_labels.npz") as labels:
            masks = labels["A"].astype(np.float32)
        human = judged(np.stack([portrait(mask, mask.shape, (4, 4)) for mask in masks]), network)
        found["cortex_2p_human_masks"] = {
            "n": len(human),
            "above_0.5": round(float((human > 0.5).mean()), 3),
            "at_or_below_0.1": round(float((human <= 0.1).mean()), 3),
        }
        with h5py.File(shared / "caiman" / "cortex_2p_caiman.hdf5") as file:
            estimates = file["estimates"]
            parts = tuple(estimates[f"A/{name}"][:] for name in ("data", "indices", "indptr"))
            matrix = sparse.csc_array(parts, shape=tuple(estimates["A/shape"][:]))
        height, width = masks.shape[1:]
        theirs = matrix.toarray().T.reshape(-1, width, height).transpose(0, 2, 1).astype(np.float32)
        of_caiman = judged(np.stack([portrait(image, image.shape, (4, 4)) for image in theirs]), network)
        flat, labelled = theirs.reshape(len(theirs), -1), masks.reshape(len(masks), -1)
        cosine = flat @ labelled.T / np.linalg.norm(flat, axis=1)[:, None] / np.linalg.norm(labelled, axis=1)
        matched = cosine.max(axis=1) > 0.6
        found["cortex_2p_caimans_footprints"] = {
            "like_a_human_mask": int(matched.sum()),
            "mean_score": round(float(of_caiman[matched].mean()), 3),
            "others": int((~matched).sum()),
            "mean_score_of_others": round(float(of_caiman[~matched].mean()), 3),
        }
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Train, print one JSON object, and with ``--write`` replace the weights in the package."""
    parser = argparse.ArgumentParser(prog="benchmarks.train_shape", description="Train the judge of footprints' shape.")
    parser.add_argument("--shared", type=Path, help="folder with movies/ and caiman/, to test with real footprints")
    parser.add_argument("--number", type=int, default=24000, help="footprints to train with")
    parser.add_argument("--write", action="store_true", help="replace the weights in the package")
    chosen = parser.parse_args(argv)
    rng = np.random.default_rng(0)
    portraits, is_cell, _ = drawn(rng, chosen.number)
    network = train(portraits, is_cell, rng)
    if chosen.write:
        path = Path(shape_score.__file__).with_name("shape_weights.npz")
        names = ("hidden", "bias", "out", "last")
        np.savez_compressed(path, **{n: w.astype(np.float16) for n, w in zip(names, network, strict=True)})
    print(json.dumps(report(network, chosen.shared)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
