"""Figures as notebooks show them."""

from __future__ import annotations

import re

from classification_model.plotting.figures import as_svg, new_figure, plot_style


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


def test_a_page_changes_no_text_of_a_plot() -> None:
    """What looks like a colour or an id of the drawing is left as it is in a label."""
    with plot_style():
        figure = new_figure()
        figure.subplots().set_xlabel('id="x #010203')
    drawn = as_svg(figure, 3)
    assert 'id="x #010203<' in drawn or "id=&quot;x #010203<" in drawn
    assert "currentColor" in drawn
