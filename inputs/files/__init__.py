"""Tables in files: CSV, TSV, JSON, JSON lines and Parquet, each also gzipped; no label changes its spelling."""
