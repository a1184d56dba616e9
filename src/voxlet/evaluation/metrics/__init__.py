"""Pure functions that compute figures from clips or from the predictions of classifiers."""
