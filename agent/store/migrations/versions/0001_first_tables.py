"""The first tables.

The column kinds are spelt out here again: a revision must keep meaning what it meant when tables.py moves on.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Kind = sa.types.TypeEngine[Any]

TEXT: Kind = sa.Text()
WHOLE: Kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG: Kind = sa.Boolean().with_variant(sa.Integer(), "sqlite")
INSTANT: Kind = sa.TIMESTAMP(timezone=True).with_variant(sa.Text(), "sqlite")
DAY: Kind = sa.Date().with_variant(sa.Text(), "sqlite")

STRICT = sqlite3.sqlite_version_info >= (3, 37)

KEYED = {"key": TEXT, "psa": TEXT, "agreement": WHOLE, "company": WHOLE}


def table(
    name: str,
    columns: dict[str, Kind],
    key: Sequence[str],
    optional: Sequence[str] = (),
    indexed: Sequence[str] = (),
    counted: bool = False,
) -> None:
    """`counted`: the database numbers the rows itself."""
    made = [
        sa.Column(column, kind, nullable=column in optional, autoincrement=counted and column in key)
        for column, kind in columns.items()
    ]
    op.create_table(name, *made, sa.PrimaryKeyConstraint(*key), sqlite_strict=STRICT)
    for column in indexed:
        op.create_index(f"ix_{name}_{column}", name, [column])


def upgrade() -> None:
    runs_and_snapshots()
    what_planning_learns()
    what_people_see()
    settlements()
    writes()
    journal()


def runs_and_snapshots() -> None:
    meta = {"id": WHOLE, "installation": TEXT, "journal_seq": WHOLE, "journal_hash": TEXT, "adopt_since": INSTANT}
    table("meta", meta, key=["id"], optional=["adopt_since"])
    table("adopted", {"company": WHOLE, "at": INSTANT}, key=["company"])
    lease = {"id": WHOLE, "epoch": WHOLE, "holder": TEXT, "shown": TEXT, "expires": INSTANT}
    table("lease", lease, key=["id"], optional=["expires"])
    counts = dict.fromkeys(("changes", "held", "confirmed", "refused", "unknown"), WHOLE)
    run = {"id": TEXT, "reason": TEXT, "companies": TEXT, "dry": FLAG, "started": INSTANT, "ended": INSTANT}
    run |= {"state": TEXT, "detail": TEXT, **counts}
    table("run", run, key=["id"], optional=["ended"], indexed=["started"])
    read = {"digest": TEXT, "body": sa.LargeBinary()}
    snapshot = {"source": TEXT, "account": TEXT, "name": TEXT, "since": INSTANT, "taken_at": INSTANT}
    table("snapshot", {**snapshot, **read}, key=["source", "account"])
    table("standing", {"company": WHOLE, "since": INSTANT, "last": INSTANT, **read}, key=["company"])
    past = {"id": WHOLE, "kind": TEXT, "name": TEXT, "since": INSTANT, "until": INSTANT, "body": sa.LargeBinary()}
    table("past", past, key=["id"], indexed=["until"], counted=True)
    op.create_index("past_of_name", "past", ["kind", "name", "id"])
    thinned = {"source": TEXT, "account": TEXT, "until": DAY}
    table("thinned", thinned, key=["source", "account"])
    chapter = {"source": TEXT, "account": TEXT, "subscription": TEXT, "since": INSTANT, "before": INSTANT}
    chapter |= {"quantity": WHOLE, "status": TEXT, "created": INSTANT, "renews": INSTANT, "deal": TEXT}
    table(
        "chapter",
        chapter,
        key=["source", "account", "subscription", "since"],
        optional=["before", "created", "renews", "deal"],
    )


def what_planning_learns() -> None:
    places = ["agreement", "company"]
    binding = {"account": TEXT, "line": WHOLE, "mark": TEXT, "state": TEXT, "adopted": FLAG}
    binding |= {"confirmed": TEXT, "boundary": DAY, "locked": DAY}
    table("binding", KEYED | binding, key=["key"], optional=["boundary", "locked"], indexed=["account", *places])
    sighting = {"quantity": WHOLE, "since": DAY, "first_at": INSTANT, "last_at": INSTANT, "asked": TEXT}
    table("sighting", KEYED | sighting, key=["key"], optional=["first_at"], indexed=places)
    kept = {
        "line": WHOLE,
        "terms": TEXT,
        "since": DAY,
        "asked": TEXT,
        "who": TEXT,
        "at": INSTANT,
        "undoes": TEXT,
        "note": TEXT,
    }
    table("kept", KEYED | kept, key=["key"], indexed=places)
    charge = {"starts": DAY, "ends": DAY, "quantity": WHOLE, "price": TEXT}
    table("charge", KEYED | charge, key=["key", "starts"], indexed=places)
    boundary = {"agreement": WHOLE, "company": WHOLE, "next_invoice": DAY}
    table("boundary", boundary, key=["agreement"], indexed=["company"])
    derivation = {"since": INSTANT, "until": INSTANT, "run": TEXT, "digest": TEXT, "body": TEXT}
    table("derivation", KEYED | derivation, key=["key", "since"], optional=["until"], indexed=places)
    in_force = sa.text("until IS NULL")
    op.create_index("derivation_in_force", "derivation", ["company"], sqlite_where=in_force, postgresql_where=in_force)


def what_people_see() -> None:
    money = {"micros": WHOLE, "currency": TEXT}
    hold = {"digest": TEXT, "company": WHOLE, "sentence": TEXT, "reasons": TEXT, "writes": TEXT, **money}
    hold |= {"next_micros": WHOLE, "next_currency": TEXT}
    decision = {"state": TEXT, "who": TEXT, "decided_at": INSTANT, "until": INSTANT}
    hold |= {"since": INSTANT, "closed_at": INSTANT, **decision}
    unsure = [*money, "next_micros", "next_currency", "closed_at", "decided_at", "until"]
    table("hold", hold, key=["digest"], optional=unsure, indexed=["company"])
    finding = {"id": WHOLE, "scope": TEXT, "company": WHOLE, "code": TEXT, "severity": TEXT, "subject": TEXT}
    finding |= {"sentence": TEXT, "remedy": TEXT, "apart": TEXT, "course": TEXT, **money}
    finding |= dict.fromkeys(("first_seen", "last_seen", "closed_at"), INSTANT) | {"closed_because": TEXT}
    unsure = ["company", "apart", *money, "closed_at", "closed_because"]
    table("finding", finding, key=["id"], optional=unsure, counted=True)
    one_open("finding", ["scope", "code", "subject"], "closed_at IS NULL")
    table("told", {"channel": TEXT, "topic": TEXT, "severity": TEXT, "at": INSTANT}, key=["channel", "topic"])
    plan = {"company": WHOLE, "run": TEXT, "at": INSTANT, "digest": TEXT, "changes": WHOLE, "held": WHOLE}
    table("plan", {**plan, "body": TEXT, **money}, key=["company"], optional=[*money], indexed=["run"])


def settlements() -> None:
    made = {"id": WHOLE, "gap": WHOLE, "company": WHOLE, "verb": TEXT, "at": INSTANT, "body": TEXT}
    columns: list[sa.Column[Any]] = [
        sa.Column(name, kind, *([sa.ForeignKey("finding.id")] if name == "gap" else []), nullable=False)
        for name, kind in made.items()
    ]
    op.create_table("settlement", *columns, sa.PrimaryKeyConstraint("id"), sqlite_strict=STRICT)
    for column in ("gap", "company"):
        op.create_index(f"ix_settlement_{column}", "settlement", [column])
    append_only("settlement", "what was decided stays decided")


def writes() -> None:
    entry = {"id": WHOLE, "run": TEXT, "change": TEXT, "reason": TEXT, **KEYED, "base": TEXT, "state": TEXT}
    entry |= {"epoch": WHOLE, "taken_over": INSTANT}
    entry |= {"intended": INSTANT, "at": INSTANT, "detail": TEXT, "write": TEXT, "picture": TEXT, "looked_at": INSTANT}
    made: list[sa.Column[Any]] = [
        sa.Column(name, kind, *([sa.ForeignKey("run.id")] if name == "run" else []), nullable=name in UNTIL_THEN)
        for name, kind in entry.items()
    ]
    op.create_table("entry", *made, sa.PrimaryKeyConstraint("id"), sqlite_strict=STRICT)
    op.create_index("ix_entry_run", "entry", ["run"])
    op.create_index("entries_of_key", "entry", ["key", "id"])
    op.create_index("entries_of_base", "entry", ["base", "id"])
    op.create_index("entries_of_agreement", "entry", ["agreement", "at"])
    one_open("entry", ["key"], "state IN ('intent', 'unknown')")


UNTIL_THEN = ("picture", "looked_at", "taken_over")


def one_open(name: str, columns: Sequence[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(f"one_open_{name}", name, columns, unique=True, sqlite_where=where, postgresql_where=where)


def journal() -> None:
    record = {"seq": WHOLE, "at": TEXT, "kind": TEXT, "entry": WHOLE, "payload": TEXT, "previous": TEXT, "hash": TEXT}
    table("journal", record, key=["seq"], optional=["entry"])
    append_only("journal", "the journal is append-only")


def append_only(name: str, why: str) -> None:
    for statement in sqlite_guards(name, why) if op.get_bind().dialect.name == "sqlite" else postgres_guards(name, why):
        op.execute(statement)


def sqlite_guards(name: str, why: str) -> list[str]:
    return [
        f"CREATE TRIGGER {name}_no_{deed} BEFORE {deed} ON {name} BEGIN SELECT RAISE(ABORT, '{why}'); END"
        for deed in ("UPDATE", "DELETE")
    ]


def postgres_guards(name: str, why: str) -> list[str]:
    return [
        f"CREATE FUNCTION {name}_refuses() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{why}'; END $$",
        f"CREATE TRIGGER {name}_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON {name}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {name}_refuses()",
    ]


def downgrade() -> None:
    raise NotImplementedError("restore the copy that was made before the update")
