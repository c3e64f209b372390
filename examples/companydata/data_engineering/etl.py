"""The ETL: load the new sales of the generated shop, and build the features from all of them."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Annotated

import psycopg
import typer

from data_engineering.generated_shop import Shop
from data_engineering.loading import build_features, load, read_watermark
from data_science.connections import address, database
from data_science.programs import run_program
from data_science.server_errors import one_line_errors

SOURCE = "shop"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def etl(
    *,
    customers: Annotated[int, typer.Option(min=1, max=10_000_000, help="Number of customers.")] = 5_000,
    sales_per_day: Annotated[int, typer.Option(min=1, max=1_000_000, help="Number of sales on each day.")] = 50,
    days: Annotated[int, typer.Option(min=1, max=20_000, help="Number of days from 2024-01-01.")] = 730,
    seed: Annotated[int, typer.Option(min=0, help="Another seed makes another shop.")] = 0,
    label_days: Annotated[int, typer.Option(min=1, max=3650, help="Days in which a purchase makes the label 1.")] = 90,
    cut_off: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Cut-off date. Default: the latest whose label is known."),
    ] = None,
) -> None:
    """Load the sales that are new, and build feature_store and labels, as de_user in the database of DATABASE_URL.

    Run it again with more days, and it loads those days alone. A database has the sales of one shop: the other options
    of its first run apply to all later ones. After a failure, run it again.
    """
    shop = Shop(customers, sales_per_day, seed)
    options = {"--customers": customers, "--sales-per-day": sales_per_day, "--seed": seed, "--label-days": label_days}
    url = database("de_user")
    began = time.monotonic()
    with one_line_errors(url, "the ETL", "de_user"), psycopg.connect(address(url), autocommit=True) as connection:
        known = read_watermark(connection, SOURCE)
        blocks = [shop.customers_until(days)], shop.sales_after(known, days)
        new = load(connection, *blocks, source=SOURCE, options=options)
        loaded = time.monotonic()
        typer.echo(f"loaded {new.customers} new customers and {new.sales} new sales in {loaded - began:.1f} s")
        built = build_features(connection, label_days=label_days, cut_off=cut_off and cut_off.date())
    typer.echo(
        f"feature_store and labels of {built.cut_off}: {built.changed} rows added or changed, {built.removed} removed "
        f"in {time.monotonic() - loaded:.1f} s"
    )


if __name__ == "__main__":
    run_program(app)
