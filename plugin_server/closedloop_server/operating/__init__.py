"""What an operator sees and does, the same for the pages and the API: each change is noted in the audit."""
