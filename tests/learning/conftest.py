"""Nothing but its place: pytest finds `corpus_support` for the tests in the folders below, because this is here."""
