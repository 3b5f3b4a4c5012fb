"""The file of a login, and where the app may be served without one."""

import re

import pytest

from nearmiss.access import read_login
from nearmiss.cli import serving
from nearmiss.errors import AccessError

WHOLE = """
[auth]
redirect_uri = "https://reviews.example.org/team/oauth2callback"
cookie_secret = "0123456789012345678901234567890123456789"
client_id = "nearmiss"
client_secret = "s"
server_metadata_url = "https://id.example.org/.well-known/openid-configuration"
[roles]
owner = ["Ada@example.org"]
reviewer = ["@example.org", "groups=annotators"]
reader = ["*"]
"""
CLAIMS = {"iss": "https://id.example.org", "aud": ["nearmiss"], "iat": 1000, "sub": "1"}


def login(tmp_path, text=WHOLE):
    path = tmp_path / "auth.toml"
    path.write_text(text)
    return read_login(path)


@pytest.mark.parametrize(
    ("claims", "name", "role"),
    [
        ({"email": "ada@Example.org", "email_verified": True}, "ada@example.org", "owner"),
        ({"email": "bob@example.org", "email_verified": "true"}, "bob@example.org", "reviewer"),
        ({"email": "eve@evil-example.org", "email_verified": True}, "eve@evil-example.org", "reader"),
        ({"email": "eve@sub.example.org", "email_verified": True}, "eve@sub.example.org", "reader"),
        ({"groups": ["annotators", "x"]}, "1", "reviewer"),
        ({"groups": "annotators2"}, "1", "reader"),
        ({"sub": "ada@example.org"}, "ada@example.org", "owner"),
    ],
)
def test_a_person_is_named_and_has_the_first_role_that_an_entry_gives(tmp_path, claims, name, role):
    person = login(tmp_path).person(CLAIMS | claims, now=1001)
    assert (person.name, person.role) == (name, role)


def test_a_sign_in_ends_after_its_hours(tmp_path):
    here = login(tmp_path, WHOLE + '[nearmiss]\nhours = 2\nissuer = "https://id.example.org/"\n')
    assert here.person(CLAIMS, now=1000 + 7200).role == "reader"
    with pytest.raises(AccessError, match="Sign in again"):
        here.person(CLAIMS, now=1000 + 7201)


def test_where_no_address_is_ever_verified_people_are_named_by_their_subject(tmp_path):
    here = login(tmp_path, WHOLE + '[nearmiss]\nidentity = "subject"\n')
    assert here.person(CLAIMS | {"email": "ada@example.org"}, now=1001).name == "1"


def test_a_run_may_have_roles_of_its_own_in_place_of_the_project_s(tmp_path):
    own = '[runs.legal]\nowner = ["bob@example.org"]\nreviewer = ["eve@else.org"]\n'
    found = login(tmp_path, WHOLE.replace('reader = ["*"]', "") + own)

    def role(address, run):
        claims = CLAIMS | {"email": address, "email_verified": True}
        try:
            return found.person(claims, now=1001, run=run).role
        except AccessError as refused:
            return str(refused).partition(".")[0]

    assert [role("ada@example.org", run) for run in (None, "demo", "legal")] == [
        "owner",
        "owner",
        "ada@example",
    ]
    assert [role("bob@example.org", run) for run in (None, "demo", "legal")] == ["owner", "reviewer", "owner"]
    assert [role("eve@else.org", run) for run in (None, "legal")] == ["reviewer", "reviewer"]
    assert role("eve@else.org", "demo") == "eve@else"
    with pytest.raises(AccessError, match=r"eve@else\.org has no role in the run 'demo'"):
        found.person(CLAIMS | {"email": "eve@else.org", "email_verified": True}, now=1001, run="demo")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[roles]", '[runs.legal]\nadmin = ["a"]\n[roles]', "[runs.legal]: [roles]: wanted owner"),
        ("[roles]", "[runs]\nlegal = 1\n[roles]", "wanted a table [runs.NAME] for each run"),
        ("[auth]", "[outh]", "wanted a table [auth]"),
        ('client_id = "nearmiss"\n', "", "[auth]: missing client_id"),
        ("client_id", "idp_id", "[auth]: missing client_id"),
        ("[roles]", '[auth.google]\nclient_id = "x"\n[roles]', "wanted one provider"),
        ("0123456789012345678901234567890123456789", "short", "cookie_secret: wanted 32 characters or more"),
        ("https://reviews", "http://reviews", "redirect_uri: wanted https"),
        ("https://id.", "http://id.", "server_metadata_url: wanted https"),
        ("/oauth2callback", "/callback", "redirect_uri: wanted an address that ends in /oauth2callback"),
        ("[roles]", "[rolls]", "wanted a table [roles]"),
        ("owner", "admin", "[roles]: wanted owner, adjudicator, reviewer, reader; found 'admin'"),
        ('["*"]', '"*"', "[roles] reader: wanted a list of addresses"),
        ("[roles]", '[nearmiss]\nidentity = "name"\n[roles]', "identity: wanted email or subject"),
        ("[roles]", "[nearmiss]\nhours = 0\n[roles]", "hours: wanted a number above 0"),
        ("[roles]", "[nearmiss]\nhour = 1\n[roles]", "[nearmiss]: wanted issuer, identity and hours; found 'hour'"),
        ("[auth]", "[auth", "wanted a TOML file"),
    ],
)
def test_a_file_that_sets_up_no_safe_login_is_refused(tmp_path, old, new, message):
    with pytest.raises(AccessError, match=re.escape(message)):
        login(tmp_path, WHOLE.replace(old, new))


def test_secrets_are_in_no_words_about_a_login(tmp_path):
    assert "0123456789" not in repr(login(tmp_path))


def test_without_a_login_only_this_machine_is_served_unless_it_is_meant(tmp_path):
    assert serving.address(8501, "127.0.0.1", "/a/", None, is_open=False).url == "http://127.0.0.1:8501/a/"
    with pytest.raises(AccessError, match=r"--host 0\.0\.0\.0: wanted a login"):
        serving.address(8501, "0.0.0.0", "", None, is_open=False)
    assert serving.address(8501, "0.0.0.0", "", None, is_open=True).host == "0.0.0.0"


def test_the_address_of_a_login_is_the_one_that_the_provider_sends_back_to(tmp_path):
    login(tmp_path)
    file = tmp_path / "auth.toml"
    where = serving.address(8501, "0.0.0.0", "", file, is_open=False)
    assert (where.url, where.base_path) == ("https://reviews.example.org/team/", "team")
    with pytest.raises(AccessError, match="wanted that of redirect_uri, 'team'"):
        serving.address(8501, "0.0.0.0", "/other", file, is_open=False)
    with pytest.raises(AccessError, match="--insecure-open: wanted no login beside it"):
        serving.address(8501, "0.0.0.0", "", file, is_open=True)
