"""Where joins run: inside the process (DuckDB). A stage hands over rows and SQL, and gets rows back."""
