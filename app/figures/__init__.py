"""Figures as pure functions: arrays in, a Plotly figure out."""
