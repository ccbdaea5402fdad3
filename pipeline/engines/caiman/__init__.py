"""The engine ``caiman``: the real CaImAn, run in the interpreter of the environment that has it, never in ours.

`worker.py` and `probe.py` are run by path in that interpreter, so they import nothing of Fluorite.
"""
