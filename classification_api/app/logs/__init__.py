"""What the API writes down: a line a request, and every prediction and label."""
