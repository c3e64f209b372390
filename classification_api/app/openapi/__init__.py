"""The OpenAPI document, built from the serving model's schema, and the page that shows it."""
