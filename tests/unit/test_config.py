import pytest

from shared.config import load_settings, read_secret
from shared.errors import ConfigError


def test_every_mistake_is_named_at_once():
    with pytest.raises(ConfigError) as caught:
        load_settings(
            {"DATABASE_URL": "mysql://x/y", "LOG_FORMAT": "xml", "API_PORT": "99999", "REDIS_URL": "http://x"}
        )
    text = str(caught.value)
    for name in ("DATABASE_URL", "LOG_FORMAT", "API_PORT", "REDIS_URL"):
        assert name in text


def test_unset_means_embedded():
    settings = load_settings({"CRONHOUSE_LOCAL_DIR": "/some where/local"})
    assert settings.embedded
    assert settings.object_store_url == "file:///some%20where/local/objects"


def test_a_password_from_a_file_goes_into_the_url(tmp_path):
    secret = tmp_path / "password"
    secret.write_text("p@ss/word\n")
    settings = load_settings({
        "DATABASE_URL": "postgresql://job@db:5432/house", "DATABASE_PASSWORD_FILE": str(secret),
    })  # fmt: skip
    assert settings.database_url == "postgresql://job:p%40ss%2Fword@db:5432/house"


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"TOKEN": "a", "TOKEN_FILE": "/x"}, "both set"),
        ({"TOKEN_FILE": "/does/not/exist"}, "TOKEN_FILE: cannot read /does/not/exist"),
    ],
)
def test_a_secret_that_cannot_be_read_says_why(environ, says):
    with pytest.raises(ConfigError, match=says):
        read_secret(load_settings(environ), "TOKEN")


def test_the_settings_do_not_print_the_environment():
    settings = load_settings({"SOME_SECRET": "hush"})
    assert "hush" not in repr(settings)
