"""A synthetic copy of a table: rows drawn from a model that keep its constraints, and how good they are beside real ones."""
