"""Parts of a training: model selection, manifest, golden rows, baseline and reference distributions."""
