"""The page for many movies: folder and pattern, what becomes of each file, start.

::

    form ── "Look" ── background (progress, stop) ──> batch-plan ──> plan, a table
    chosen rows ── "Start" ── background (progress) ──> batch-checked ──> message, jobs

Opening a hundred movies takes a minute on a slow disk, so both are background callbacks.
"""
