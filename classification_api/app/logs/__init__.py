"""The API's logs: requests, predictions and labels."""
