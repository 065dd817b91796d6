"""Pages of analysis: each asks a question and answers it with numbers."""
