"""What single settings accept, as laws over many values."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.triggers.cron import CronTrigger
from hypothesis import given
from hypothesis import strategies as st

from agent.loopback import is_loopback
from agent.setting_types import format_duration, parse_duration
from agent.settings import SettingsInvalid, settings_of
from agent.toml_places import parse
from tests.settings.test_settings import HERE, MINIMAL


def accepted(text: str) -> bool:
    try:
        settings_of(parse(text, "agent.toml"), HERE)
    except SettingsInvalid:
        return False
    return True


def takes(setting: str, value: str, line: str) -> bool:
    """Is this value accepted in place of the minimal file's `line`?"""
    assert line in MINIMAL
    return accepted(MINIMAL.replace(line, f"{setting} = '{value}'"))


@given(st.integers(0, 999_999), st.sampled_from("smhd"))
def test_a_duration_survives_its_own_spelling(number: int, unit: str) -> None:
    """Parsing what was formatted gives the same duration, and the shortest spelling is stable."""
    duration = parse_duration(f"{number}{unit}")

    assert parse_duration(format_duration(duration)) == duration
    assert len(format_duration(duration)) <= len(f"{number}{unit}")


def test_durations_have_one_number_and_one_unit() -> None:
    """90 s are "90s"; 120 s are best said as "2m"."""
    assert parse_duration("90s") == timedelta(seconds=90)
    assert format_duration(timedelta(seconds=120)) == "2m"
    assert format_duration(timedelta(0)) == "0s"


@given(st.text(alphabet="0123456789smhd .-+e٣", max_size=6))
def test_anything_else_is_no_duration(text: str) -> None:
    """No sign, no point, no space, no second unit, and no digits but 0 to 9."""
    if re.fullmatch(r"[0-9]+[smhd]", text):
        assert parse_duration(text) >= timedelta(0)
    else:
        with pytest.raises(ValueError, match="not a duration"):
            parse_duration(text)


@given(st.text(alphabet="0123456789*/-,", min_size=1, max_size=6), st.sampled_from(["*", "mon-fri", "sat,sun"]))
def test_the_scheduler_takes_every_cron_line_we_take(part: str, weekday: str) -> None:
    """A line that passes the check never fails at the start of the daemon."""
    for line in (f"{part} * * * {weekday}", f"0 {part} * * {weekday}", f"0 0 {part} * {weekday}", f"0 0 1 {part} *"):
        if takes("cron", line, 'every = "1h"'):
            CronTrigger.from_crontab(line, timezone=UTC)


@pytest.mark.parametrize(
    "line", ["*/15 * * * *", "0 6-20 * * mon-fri", "30 2 1,15 jan-jun *", "05 02 * 1,7 *", "0 6-20/2 * * SAT,SUN"]
)
def test_usual_cron_lines_are_taken(line: str) -> None:
    """Steps, ranges, lists, names, leading zeros and capitals are what people write."""
    assert takes("cron", line, 'every = "1h"')


def test_a_weekday_by_name_is_that_day() -> None:
    """5 would be Friday to cron and Saturday to our scheduler, which is why only names are taken."""
    next_run = CronTrigger.from_crontab("0 6 * * fri", timezone=UTC).get_next_fire_time(
        None, datetime(2026, 3, 16, tzinfo=UTC)
    )

    assert next_run is not None
    assert f"{next_run:%A %d}" == "Friday 20"
    assert not takes("cron", "0 6 * * 5", 'every = "1h"')


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_is_loopback(host: str) -> None:
    """All of 127.0.0.0/8 is this machine."""
    assert is_loopback(host)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.1",
        "http://2130706433",
        "http://0x7f.0.0.1",
        "http://localhost.",
        "http://localhost.example.com",
        "http://127.0.0.1@example.com",
        "http://example.com#@127.0.0.1",
        "http://example.com\\@127.0.0.1",
        "http://0.0.0.0",
        "http://[::ffff:8.8.8.8]",
        "http://192.168.0.10",
        "https://",
        "https://host:99999",
        "https://host:x",
        "https://[::1",
        "https://host?query",
        "https://hóst",
        "https://host/a b",
        "ftp://host",
        "//host",
        "host",
        " https://host",
    ],
)
def test_no_disguise_of_an_address_is_taken(address: str) -> None:
    """Other spellings of loopback, user names, fragments and half addresses are refused, not interpreted."""
    assert not takes("url", address, 'url = "https://na.myconnectwise.net"')


@pytest.mark.parametrize("address", ["https://psa.example.com/cw/", "http://127.0.0.1:8080", "http://[::1]:8080"])
def test_https_anywhere_and_http_at_home_are_taken(address: str) -> None:
    """Tests and demos run against simulators on this machine, without certificates."""
    assert takes("url", address, 'url = "https://na.myconnectwise.net"')


def test_a_proxy_is_reached_by_plain_http() -> None:
    """What passes through the proxy is TLS from end to end, so http:// to it gives nothing away."""
    assert accepted(f'{MINIMAL}\n[http]\nproxy = "http://proxy.example:3128"\n')
    assert not accepted(f'{MINIMAL}\n[http]\nproxy = "http://me:pw@proxy.example:3128"\n')


@pytest.mark.parametrize("field", ["serialNumber", "custom:Trueup", "custom:Trueup mark"])
def test_the_mark_goes_into_a_known_kind_of_field(field: str) -> None:
    """The serial number, or a text field by the caption that the site gave it."""
    assert takes("marker-field", field, 'currency = "GBP"') is False
    assert accepted(MINIMAL.replace("company =", f"marker-field = '{field}'\ncompany ="))
