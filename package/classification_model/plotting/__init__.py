"""Plots of tables and of predictions: matplotlib figures for notebooks, SVG for pages."""
