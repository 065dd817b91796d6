"""A project made on a page: from a file, from a sample request, or from nothing."""
