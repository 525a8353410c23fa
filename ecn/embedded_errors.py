"""What all refusals of the embedded Postgres have in common, for whoever shows them to people."""


class EmbeddedPostgresError(Exception):
    """Postgres could not be prepared or started; the sentence says what to do."""
