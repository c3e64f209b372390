"""The OpenAPI document of the API, made from the schema of the model that serves, and the page that shows it."""
