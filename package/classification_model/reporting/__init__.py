"""Render the reports of a training, and HTML pages."""
