"""`trueup audit` as a person meets it: questions, answers that are kept, and one sentence for every bad file."""

from datetime import date
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from agent.audit import Profile
from agent.domain.reconciliation import Leg
from agent.faces.auditing import given_file, run
from tests.faces.shell import Said, here
from tests.optional import pango

BP = "Microsoft 365 Business Premium"


def written(folder: Path, name: str, *lines: str) -> str:
    (folder / name).write_text("\n".join(lines))
    return str(folder / name)


@pytest.fixture
def billed(tmp_path: Path) -> str:
    return written(tmp_path, "billed.csv", "Company Name,Description,Quantity,Price", f"Contoso Perth,{BP},5,22")


@pytest.fixture
def bought(tmp_path: Path) -> str:
    return written(tmp_path, "bought.csv", "Company,Product,Quantity", f"Contoso Sydney,{BP},5")


def test_every_format_is_written(tmp_path: Path, billed: str, bought: str) -> None:
    """Beside what the terminal shows."""
    pango()
    names = {kind: tmp_path / f"report.{kind}" for kind in ("html", "xlsx", "csv", "pdf")}
    options = [word for kind, path in names.items() for word in (f"--{kind}", str(path))]
    said = here("audit", "--billed", billed, "--purchased", bought, "--as-of", "2026-11-15", *options)
    assert said.status == 0
    heads = {kind: path.read_bytes()[:4] for kind, path in names.items()}
    assert heads == {"html": b"<!do", "xlsx": b"PK\x03\x04", "csv": b'\xef\xbb\xbf"', "pdf": b"%PDF"}
    assert f"Written: {names['pdf']}" in said.err


def refused(*words: str) -> str:
    said = here("audit", *words)
    assert said.status == 1
    return said.err


def test_bad_file_gets_one_sentence(tmp_path: Path, billed: str) -> None:
    """File, row, column, what stands there, what was expected."""
    bad = written(tmp_path, "bad.csv", "Company,Product,Quantity", f"A,{BP},five", f"B,{BP},")
    assert refused("--billed", billed, "--purchased", bad).splitlines() == [
        'Error: bad.csv, row 2, column Quantity: "five" is no number; expected a quantity such as 12 or 12.50.',
        "Error: bad.csv, row 3, column Quantity: is empty; expected a quantity such as 12 or 12.50.",
    ]


def test_doubt_without_a_terminal_says_what_to_do(tmp_path: Path, billed: str) -> None:
    """Nothing is guessed because nobody is there to ask."""
    unsure = written(tmp_path, "unsure.csv", "Company,Product,Quantity", f'A,{BP},"1,234"')
    said = " ".join(refused("--billed", billed, "--purchased", unsure).split())
    assert 'unsure.csv: row 2 says "1,234"' in said
    assert "Run it on a terminal to be asked, or write the answer into the profile." in said


def test_output_that_cannot_be_written_is_told(tmp_path: Path, billed: str, bought: str) -> None:
    """With its path."""
    said = refused("--billed", billed, "--purchased", bought, "--csv", str(tmp_path / "no" / "such.csv"))
    assert "such.csv cannot be written: no such file or directory" in said


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ((), "Name the files with --billed and --purchased, or take --sample."),
        (("--sample", "--billed", "x"), "Name the files with --billed and --purchased, or take --sample."),
        (("--purchased", "x"), "--billed needs at least one of --purchased, --assigned and --invoice beside it."),
    ],
)
def test_wrong_use_is_told(words: tuple[str, ...], what: str) -> None:
    """Exit status 2, as for every usage error."""
    said = here("audit", *words)
    assert said.status == 2
    assert what in said.err


def asked(given: list[str], answers: str, profile: Profile | None = None) -> tuple[Profile, str]:
    """The profile after a person answered these lines."""
    kept: list[Profile] = []
    billed, bought = (given_file(leg, word) for leg, word in zip((Leg.BILLED, Leg.PURCHASED), given, strict=True))

    @click.command()
    def ask() -> None:
        outcome = run([billed, bought], profile or Profile(), "USD", date(2026, 11, 15), ask=True)
        kept.append(outcome.profile)

    done = CliRunner().invoke(ask, input=answers, catch_exceptions=False)
    return kept[0], done.output


def test_names_are_asked_for_and_remembered(billed: str, bought: str) -> None:
    """One of the choices, out for good, or open until next month."""
    chosen, output = asked([billed, bought], "1\n")
    assert chosen.companies == {"Contoso Sydney": "Contoso Perth"}
    assert "company Contoso Sydney in bought.csv" in output
    assert asked([billed, bought], "-\n")[0].companies == {"Contoso Sydney": ""}
    assert asked([billed, bought], "\n")[0] == Profile()
    assert asked([billed, bought], "q\n")[0] == Profile()
    assert "Contoso Sydney" not in asked([billed, bought], "", chosen)[1]


def test_columns_and_marks_are_asked_for(tmp_path: Path, billed: str) -> None:
    """The file is read again with each answer, and an answer that is none is asked for again."""
    unsure = written(tmp_path, "u.csv", "Company,Product,Purchased Quantity", f'Contoso Perth,{BP},"1,234"')
    profile, _ = asked([billed, unsure], "9\n1\n1\n")
    choices = profile.choices("purchased")
    assert (choices.columns, choices.decimals) == ({"quantity": "Purchased Quantity"}, "point")


def test_company_stands_before_its_file(tmp_path: Path) -> None:
    """Unless a file has such a name."""
    assert given_file(Leg.PURCHASED, "Contoso Ltd=a.csv").company == "Contoso Ltd"
    odd = tmp_path / "a=b.csv"
    odd.touch()
    assert given_file(Leg.PURCHASED, str(odd)).path == odd


def test_nothing_goes_out_and_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration is looked for, and without an answer no file appears."""
    monkeypatch.chdir(tmp_path)
    lines = "Company Name,Description,Quantity", f"A,{BP},5"
    said: Said = here("audit", "--billed", written(tmp_path, "b.csv", *lines), "--purchased",
                      written(tmp_path, "p.csv", *lines))  # fmt: skip
    assert said.status == 0
    assert "No difference that costs money." in said.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.csv", "p.csv"]
