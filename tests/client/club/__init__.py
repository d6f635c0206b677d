"""A client of the club, written from its contract."""
