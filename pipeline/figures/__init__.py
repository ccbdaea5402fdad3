"""Figures of a sample's cells: what is drawn, as pure functions, and drawing it at a journal's sizes."""
