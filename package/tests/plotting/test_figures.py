"""Figures as notebooks show them."""

from __future__ import annotations

import re

from classification_model.plotting.figures import new_figure, plot_style


def test_a_notebook_shows_a_figure_by_itself() -> None:
    """It is drawn as SVG, whose ids differ each time that it is shown on one page."""
    with plot_style():
        figure = new_figure()
        figure.subplots().plot([1, 2], [2, 1])
    first, second = (figure._repr_html_() for _ in range(2))
    assert first.startswith("<svg")
    ids = [set(re.findall(r'\bid="([^"]+)"', shown)) for shown in (first, second)]
    assert all(ids)
    assert not ids[0] & ids[1]
