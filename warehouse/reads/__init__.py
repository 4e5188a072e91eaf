"""Named questions to a publication, for the API and the dashboard: each gives an Arrow table."""
