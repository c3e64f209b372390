"""Render the templates of this package as HTML pages, each a single file."""

from __future__ import annotations

from typing import Any

import jinja2


def render_page(template: str, **values: Any) -> str:
    """Render a template; texts are escaped, and a value that is missing is an error.

    Parameters
    ----------
    template
        Name of a file in the folder ``templates``.
    values
        What it shows, by name.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("classification_model.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(values)
