"""The API: a FastAPI app that serves a classification model; importing it loads nothing."""
