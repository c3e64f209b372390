"""Read a training table, check it, and prepare it for the pipeline."""
