"""The tables of the log, on SQLite and PostgreSQL."""

import sqlalchemy as sql

METADATA = sql.MetaData()
ROWS = sql.Table(
    "verdicts",
    METADATA,
    # A plain BigInteger would not count up by itself in SQLite.
    sql.Column("seq", sql.BigInteger().with_variant(sql.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sql.Column("query_id", sql.Text, nullable=False),
    sql.Column("doc_id", sql.Text, nullable=False),
    sql.Column("verdict", sql.Text, nullable=False),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("comment", sql.Text, nullable=False),
    sql.Column("reviewer", sql.Text, nullable=False),
    sql.Column("arm", sql.Text, nullable=False),
    sql.Column("inclusion_probability", sql.Double),
    sql.Column("scores_visible", sql.Boolean, nullable=False),
    sql.Column("shown_at", sql.Double),
    sql.Column("decided_at", sql.Double, nullable=False),
    sql.Column("client_id", sql.Text, nullable=False),
    sql.Column("client_seq", sql.BigInteger, nullable=False),
    sql.Column("parent", sql.BigInteger),
    sql.Column("undoes", sql.BigInteger),
    sql.UniqueConstraint("client_id", "client_seq"),
    sqlite_autoincrement=True,
)
# No key: two long ids are more than an index entry of PostgreSQL holds, and writers take turns anyway.
LEASES = sql.Table(
    "leases",
    METADATA,
    sql.Column("query_id", sql.Text, nullable=False),
    sql.Column("doc_id", sql.Text, nullable=False),
    sql.Column("reviewer", sql.Text, nullable=False),
    sql.Column("expires_at", sql.Double, nullable=False),
)
# Audits: written once, before anyone judges, and never changed.
PLANS = sql.Table(
    "plans",
    METADATA,
    sql.Column("plan", sql.Text, primary_key=True),
    sql.Column("made_at", sql.Double, nullable=False),
    sql.Column("made_by", sql.Text, nullable=False),
    sql.Column("facts", sql.Text, nullable=False),
)
DRAWS = sql.Table(
    "draws",
    METADATA,
    sql.Column("plan", sql.Text, primary_key=True),
    sql.Column("place", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("query_id", sql.Text, nullable=False),
    sql.Column("doc_id", sql.Text, nullable=False),
    sql.Column("stratum", sql.BigInteger, nullable=False),
    sql.Column("proxy", sql.Double, nullable=False),
    sql.Column("inclusion_probability", sql.Double, nullable=False),
)

# Which guidelines there were, and who read which version when.
GUIDELINES = sql.Table(
    "guidelines",
    METADATA,
    sql.Column("version", sql.Text, primary_key=True),
    sql.Column("text", sql.Text, nullable=False),
)
READINGS = sql.Table(
    "readings",
    METADATA,
    sql.Column("reviewer", sql.Text, nullable=False),
    sql.Column("version", sql.Text, nullable=False),
    sql.Column("read_at", sql.Double, nullable=False),
)
# The digest of each row of `verdicts`, over its values and the digest before; a table of its own, so that old logs keep
# theirs as they are.
CHAIN = sql.Table(
    "chain",
    METADATA,
    sql.Column("seq", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("digest", sql.Text, nullable=False),
)
# Which steps of `versions` the log has taken, and when.
VERSIONS = sql.Table(
    "versions",
    METADATA,
    sql.Column("version", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("at", sql.Double, nullable=False),
)
APPENDED = (ROWS, CHAIN, PLANS, DRAWS, GUIDELINES, READINGS, VERSIONS)
# Made when somebody is forgotten for the first time: how the log was before, so that nobody takes the new chain for the
# old one. The chain begins with the digest of these rows. No name stands here.
REWRITES = sql.Table(
    "rewrites",
    sql.MetaData(),
    sql.Column("number", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("at", sql.Double, nullable=False),
    sql.Column("pseudonym", sql.Text, nullable=False),
    sql.Column("rows_changed", sql.BigInteger, nullable=False),
    sql.Column("last_seq", sql.BigInteger, nullable=False),
    sql.Column("last_digest", sql.Text, nullable=False),
)
