"""A browser, as far as signing in needs one: pages, their one form, cookies, and Genesys' log-in."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests

from .genesys import SimulatedGenesys


class Browser:
    """
    `status`, `text` and `headers` are those of the last page, `url` its address.

    What comes of a click is a redirect to `away`, where the log-in asks who one is.
    """

    def __init__(self, genesys: SimulatedGenesys) -> None:
        self._genesys = genesys
        self._session = requests.Session()
        self._session.trust_env = False
        self.url = self.away = self.text = ""
        self.status = 0
        self.headers: dict[str, str] = {}

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.name: cookie.value or "" for cookie in self._session.cookies}

    def open(self, url: str) -> None:
        self._shown(self._session.get(url, timeout=10, allow_redirects=False))

    def click(self, **headers: str) -> None:
        """Press the button of the page's form; `headers` take the place of what a browser says."""
        form = _Form(self.text)
        address = urljoin(self.url, form.action)
        here = urlsplit(self.url)
        said = {"Origin": f"{here.scheme}://{here.netloc}", "Sec-Fetch-Site": "same-origin"} | headers
        answer = self._session.post(
            address, data=form.fields, headers=said, timeout=10, allow_redirects=False
        )
        self._shown(answer)

    def log_in(self, genesys_user: str) -> None:
        """Be that user in Genesys' log-in, and follow it back."""
        self.open(self._genesys.log_in(self.away, genesys_user))

    def deny(self) -> None:
        """Say no in Genesys' log-in, and follow it back."""
        self.open(self._genesys.deny(self.away))

    def _shown(self, answer: requests.Response) -> None:
        self.url, self.status, self.text = answer.url, answer.status_code, answer.text
        self.headers = dict(answer.headers)
        self.away = answer.headers.get("Location", "")


class _Form(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.action: str = ""
        self.fields: dict[str, str] = {}
        self.feed(html)
        if not self.action:
            raise LookupError("there is no form on this page")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given["action"]
        elif tag == "input" and "name" in given:
            self.fields[given["name"]] = given.get("value", "")
