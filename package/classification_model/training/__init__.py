"""What a training makes beside the pipeline: the choice of the model, its manifest, its golden rows."""
