"""A model folder of a fitted estimator, or of a class of your own."""
