"""Routes served by FastAPI: health, the model, metrics, feedback, monitoring."""
