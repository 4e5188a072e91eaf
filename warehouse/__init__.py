"""The only room that imports duckdb: settings, connection, raw, marts, results, publish, errors."""
