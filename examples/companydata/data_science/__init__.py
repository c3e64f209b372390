"""Who buys again: a model of the table ``feature_store`` in the database ``companydata``."""
