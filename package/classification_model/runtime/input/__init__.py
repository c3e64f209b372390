"""What is given to a model: values, rows and columns, read and checked by its input schema."""
