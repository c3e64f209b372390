"""Routes that FastAPI answers: health, the model, metrics, feedback, monitoring."""
