"""The PostgreSQL that the tests start for themselves."""

import sqlalchemy as sa


def test_database_takes_a_row_and_gives_it_back(postgres_url: str) -> None:
    """A test gets a database that works, in UTF-8, with commits that wait for the disk."""
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE seen (name text)"))
        connection.execute(sa.text("INSERT INTO seen VALUES ('Łódź')"))
        name, commits = connection.execute(
            sa.text("SELECT name, current_setting('synchronous_commit') FROM seen")
        ).one()
    engine.dispose()

    assert (name, commits) == ("Łódź", "on")


def test_database_starts_empty(postgres_url: str) -> None:
    """What one test left behind is not there for the next."""
    engine = sa.create_engine(postgres_url)
    tables = sa.inspect(engine).get_table_names()
    engine.dispose()

    assert tables == []
