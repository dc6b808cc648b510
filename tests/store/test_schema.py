"""Migrations: the tables are what tables.py says, an older store is saved first, a newer one is left alone."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from agent.errors import SchemaTooNew
from agent.store import open_store, schema
from agent.store.tables import METADATA
from tests.contract.store_values import StillClock

SECOND = """
from alembic import op
import sqlalchemy as sa

revision, down_revision = "0002", "0001"


def upgrade():
    op.create_table("second", sa.Column("id", sa.Integer, primary_key=True))
    {then}
"""


def differences(url: str) -> list[object]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, METADATA))


def test_sqlite_tables_are_the_models(tmp_path: Path) -> None:
    """Autogenerate finds nothing that a migration forgot."""
    open_store("", tmp_path, StillClock()).dispose()

    assert differences(f"sqlite:///{tmp_path}/trueup.db") == []


def test_postgres_tables_are_the_models(postgres_url: str, tmp_path: Path) -> None:
    """The same on the other database, with its own types."""
    open_store(postgres_url, tmp_path, StillClock()).dispose()

    assert differences(postgres_url) == []


def test_newest_revision_is_the_one_the_program_expects() -> None:
    """`HEAD` spares the import of alembic at every start; it must not lie."""
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))

    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_store_that_is_up_to_date_opens_without_alembic(tmp_path: Path) -> None:
    """Its import costs a quarter of a second."""
    open_store("", tmp_path, StillClock()).dispose()
    program = (
        "import sys; from pathlib import Path; from agent.store import open_store;"
        "open_store('', Path(sys.argv[1]), None).dispose(); print('alembic' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)

    assert said.stdout == "False\n"


def test_newer_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    """The sentence names both versions; nothing was written."""
    open_store("", tmp_path, StillClock()).dispose()
    with closing(sqlite3.connect(tmp_path / "trueup.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
    before = (tmp_path / "trueup.db").read_bytes()

    with pytest.raises(SchemaTooNew, match=r"version 0999.*knows 0001") as failure:
        open_store("", tmp_path, StillClock())

    assert "newer Trueup" in failure.value.remedy
    assert (tmp_path / "trueup.db").read_bytes() == before


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Trueup with one revision more; the file to write it into."""
    migrations = tmp_path / "migrations"
    shutil.copytree(schema.MIGRATIONS, migrations, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(schema, "MIGRATIONS", migrations)
    monkeypatch.setattr(schema, "HEAD", "0002")
    return migrations / "versions" / "0002_second.py"


def test_older_store_is_saved_and_then_migrated(tmp_path: Path, next_version: Path) -> None:
    """The copy is whole, readable by its owner alone, and of the version before."""
    state = tmp_path / "state"
    run = older_store(state)
    next_version.write_text(SECOND.format(then=""))

    with open_store("", state, StillClock()) as store:
        assert [summary.id for summary in store.runs()] == [run]

    copy = state / "trueup.db.before-0001"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert rows(copy, "SELECT id FROM run") == [(run,)]
    assert rows(copy, "SELECT version_num FROM alembic_version") == [("0001",)]
    assert rows(state / "trueup.db", "SELECT version_num FROM alembic_version") == [("0002",)]


def test_migration_that_fails_leaves_the_store_as_it_was(tmp_path: Path, next_version: Path) -> None:
    """Its first table goes with it: all of a migration is one transaction."""
    state = tmp_path / "state"
    older_store(state)
    next_version.write_text(SECOND.format(then="raise RuntimeError('half way')"))

    with pytest.raises(RuntimeError, match="half way"):
        open_store("", state, StillClock())

    assert rows(state / "trueup.db", "SELECT version_num FROM alembic_version") == [("0001",)]
    assert rows(state / "trueup.db", "SELECT name FROM sqlite_master WHERE name = 'second'") == []


def older_store(state: Path) -> str:
    """A store of version 0001 with one run in it."""
    program = (
        "import sys; from pathlib import Path; from tests.contract.store_values import *;"
        "store = open_store('', Path(sys.argv[1]), StillClock()); print(store.open_run('test', [], False, NOW))"
    )
    command = [sys.executable, "-c", program, str(state)]
    home = Path(__file__).parents[2]
    return subprocess.run(command, cwd=home, capture_output=True, text=True, check=True).stdout.strip()


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()
