"""Online mode: frames one at a time (OnACID, Giovannucci et al. 2017; CaImAn Online, eLife 2019, algorithms 4 to 6).

``registration`` moves each frame onto the model's own image, ``demixing`` tells what each known cell did in it and
deconvolves that, ``detection`` looks for new cells in what is left, ``shapes`` keeps footprints and background up to
date from running sums. ``cells`` holds the cells and ``fitting`` puts the steps together for a frame; ``engine`` runs
them over a movie, which may still be growing, and writes the same results file as the batch engine.
"""
