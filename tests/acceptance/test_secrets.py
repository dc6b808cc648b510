"""Every test here ends with a search for secrets; this is about the search."""

from dataclasses import replace

from tests.acceptance.conftest import Install


def test_search_sees_a_secret_where_it_should_not_be(install: Install) -> None:
    """In what a command says, in the state folder, and in a process's environment; but not where it belongs."""
    site = install()
    site.start()
    key = site.canaries["PSA key"]
    assert "\0run\0--config\0" in site.told[0]
    assert site.leaks() == []

    site.told[0] += key
    (site.folder / "state" / "notes").write_text(site.token_file.read_text())
    told = site.trueup("status")
    site.printed[0] = replace(told, err=key)

    found = [(leak.partition(" in ")[2]).partition(" --config")[0] for leak in site.leaks()]
    assert sorted(found) == ["notes", "process 0", "trueup status"]
    site.told[0], site.printed[0] = "", told
    (site.folder / "state" / "notes").unlink()
