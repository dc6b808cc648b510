"""The store in PostgreSQL: the laws of every store, and what only a server has."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from agent.errors import StoreFailed
from agent.store import open_store
from tests.contract.store_laws import StoreContract
from tests.contract.store_thinning import Thinning
from tests.contract.store_values import NOW, Place, StillClock


@pytest.fixture
def place(postgres_url: str, tmp_path: Path) -> Place:
    def sql(statement: str, **parameters: object) -> None:
        engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.execute(sa.text(statement), parameters)

    return Place(postgres_url, tmp_path, sql, ("ALTER TABLE journal DISABLE TRIGGER journal_guard",))


class TestLaws(StoreContract, Thinning):
    """Every law of the contract, on PostgreSQL."""


def test_commits_wait_for_the_disk(place: Place) -> None:
    """Whatever the server's default is."""
    place.sql("ALTER DATABASE " + place.url.rpartition("/")[2] + " SET synchronous_commit = off")
    with place.open() as store, store._database.writing() as connection:
        assert connection.scalar(sa.text("SHOW synchronous_commit")) == "on"


def test_journal_cannot_be_truncated(place: Place) -> None:
    """TRUNCATE passes row triggers by."""
    place.open().dispose()
    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        place.sql("TRUNCATE journal")


def test_server_that_comes_back_is_used_again(place: Place) -> None:
    """A restart cuts every connection; the next transaction opens a new one."""
    with place.open() as store:
        place.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")

        assert store.open_run("test", [], False, NOW)
        assert len(store.runs()) == 1


def test_plain_url_and_a_password_apart(place: Place) -> None:
    """`postgresql://` as people write it, the password from the secrets."""
    password = sa.make_url(place.url).password or ""
    url = place.url.replace("+psycopg", "").replace(f":{password}@", "@")

    with open_store(url, place.folder, StillClock(), password) as store:
        assert store.runs() == []


def test_failure_shows_no_password(place: Place) -> None:
    """The sentence may end in a log; the URL may not, with what it carries."""
    wrong = sa.make_url(place.url).set(password="hunter2").render_as_string(hide_password=False)
    with pytest.raises(StoreFailed) as failure:
        open_store(wrong, place.folder, StillClock())

    assert "hunter2" not in f"{failure.value} {failure.value.remedy}"
    assert "user" in failure.value.remedy
