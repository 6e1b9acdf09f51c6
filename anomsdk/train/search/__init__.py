"""Search for the best model within budgets, by cross-validation."""
