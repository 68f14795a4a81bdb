"""The tests' own PostgreSQL."""

import pytest

from tests import postgres_cluster
from tests.postgres_cluster import Cluster, cluster


@pytest.mark.thorough
def test_each_database_is_empty_and_is_kept_over_a_crash(postgres: Cluster) -> None:
    address = postgres.database()
    postgres.sql("CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)", address=address)
    postgres.stop("immediate")
    postgres.start()
    assert postgres.sql("SELECT n FROM kept", address=address) == "7"
    assert postgres.sql("SHOW fsync") == "on"
    for other in (postgres.database(), postgres.database("another")):
        assert postgres.sql("SELECT count(*) FROM pg_tables WHERE tablename = 'kept'", address=other) == "0"


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_without_postgresql_a_test_is_skipped_but_never_in_ci(
    ci: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(postgres_cluster, "_programs", lambda: None)
    with pytest.raises(outcome, match="PostgreSQL is not installed"), cluster():
        pass
