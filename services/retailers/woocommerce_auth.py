"""WooCommerce's three ways to show a key: basic authentication, the query string, OAuth 1.0a one-legged.

The real product takes the first two over TLS alone and wants OAuth over plain HTTP (its official client
signs for that reason); here all three are taken, since TLS ends in front of this process.
Source: WooCommerce, includes/class-wc-rest-authentication.php, and its REST documentation, "Authentication".
"""

import hashlib
import hmac
import time
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote

WINDOW = 15 * 60
OAUTH = ("oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method")
_HASHES = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}


class Refused(Exception):
    """The key was shown in a way that the shop does not accept."""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)


class Gate:
    """Knows the one key of the shop and which nonces were used lately."""

    def __init__(self, credentials: str) -> None:
        self.key, _, self.secret = credentials.partition(":")
        self._nonces: dict[str, int] = {}

    def check(self, method: str, url: str, params: Mapping[str, str], basic: tuple[str, str] | None) -> None:
        """Let a request in.

        Raises:
            Refused: with the code and message that the real product gives.
        """
        shown = basic
        if params.get("consumer_key") and params.get("consumer_secret"):
            shown = (params["consumer_key"], params["consumer_secret"])
        if shown is not None and hmac.compare_digest(shown[0].encode(), self.key.encode()):
            if not hmac.compare_digest(shown[1].encode(), self.secret.encode()):
                raise Refused("woocommerce_rest_authentication_error", "Consumer secret is invalid.")
            return
        given = [name for name in OAUTH if params.get(name)]
        if not given:
            raise Refused("woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
        missing = [name for name in OAUTH if name not in given]
        if missing:
            text = f"Missing OAuth parameter{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
            raise Refused("woocommerce_rest_authentication_missing_parameter", text)
        self._check_oauth(method, url, params)

    def _check_oauth(self, method: str, url: str, params: Mapping[str, str]) -> None:
        def refuse(message: str) -> None:
            raise Refused("woocommerce_rest_authentication_error", message)

        if params["oauth_consumer_key"] != self.key:
            refuse("Consumer key is invalid.")
        if params["oauth_signature_method"] not in _HASHES:
            refuse("Invalid signature - signature method is invalid.")
        if not hmac.compare_digest(
            self.sign(method, url, params), params["oauth_signature"].replace(" ", "+")
        ):
            refuse("Invalid signature - provided signature does not match.")
        now, stamp = int(time.time()), params["oauth_timestamp"]
        if not stamp.isdecimal() or abs(now - int(stamp)) > WINDOW:
            refuse("Invalid timestamp.")
        self._nonces = {nonce: used for nonce, used in self._nonces.items() if now - used <= WINDOW}
        if params["oauth_nonce"] in self._nonces:
            refuse("Invalid nonce - nonce has already been used.")
        self._nonces[params["oauth_nonce"]] = now

    def sign(self, method: str, url: str, params: Mapping[str, str]) -> str:
        """Return the signature that a request must carry; names and values are escaped twice over."""
        pairs = sorted((name, value) for name, value in params.items() if name != "oauth_signature")
        query = quote("&".join(f"{_escape(_escape(n))}={_escape(_escape(v))}" for n, v in pairs), safe="%")
        text = f"{method}&{_escape(url)}&{query}"
        digest = hmac.new(
            f"{self.secret}&".encode(), text.encode(), _HASHES[params["oauth_signature_method"]]
        )
        return b64encode(digest.digest()).decode()


def _escape(text: str) -> str:
    return quote(text, safe="~")
