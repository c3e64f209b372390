"""What happens after deployment: predictions on record, labels, monitoring, the decision to retrain."""
