"""A classifier for notebooks and for scikit-learn: train or load it, predict frames, judge it, explain it, serve it."""
