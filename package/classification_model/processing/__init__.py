"""From a source to a frame that the pipeline can learn from."""
