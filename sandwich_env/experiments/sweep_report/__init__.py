"""The report of a sweep: the table of results brought together over seeds, its figures, and one page of HTML."""
