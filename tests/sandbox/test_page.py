"""The sandbox's page over HTTP, without a browser: who may open it, and what it makes of people's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from markupsafe import escape

from bot.sandbox.demo import CAST, furnished
from bot.sandbox.page import Page
from bot.sandbox.page_blocks import EMOJI
from bot.sandbox.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
SOURCES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "bot" / "slack").glob("*.py"))]
NASTY = "<script>alert(1)</script>"


class Reader:
    """Asks for the page as the browser that was given its address."""

    def __init__(self, url: str, session: requests.Session) -> None:
        self.url, self._session = url, session
        self.here = "{0.scheme}://{0.netloc}".format(urlsplit(url))

    def get(self, query: str = "", **headers: str) -> requests.Response:
        return self._session.get(self.url + query, headers=headers, timeout=10, allow_redirects=False)

    def do(
        self, what: str = "do", query: str = "", headers: dict[str, str] | None = None, **form: str
    ) -> requests.Response:
        said = {"Origin": self.here} if headers is None else headers
        return self._session.post(f"{self.url}{what}{query}", data=form, headers=said, timeout=10)


@pytest.fixture
def staged(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """The people and the chats of the page, with no bot running."""
    return furnished(make_sandbox(api="platform")).open().link()


@pytest.fixture
def running(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """The same with the bot, on the events contract."""
    return furnished(make_sandbox(), undo_seconds=0).start()


@pytest.fixture
def open_page(session: requests.Session) -> Iterator[Callable[[Sandbox], Reader]]:
    with ExitStack() as opened:
        yield lambda sandbox: Reader(opened.enter_context(Page(sandbox, CAST)).url, session)


@pytest.fixture
def page(staged: Sandbox, open_page: Callable[[Sandbox], Reader]) -> Reader:
    return open_page(staged)


def test_page_opens_for_who_has_its_address_alone(page: Reader) -> None:
    assert page.get().status_code == 200
    for wrong in ("/", "/wrong/", f"/{'x' * 32}/", "/page.js"):
        assert requests.get(page.here + wrong, timeout=10).status_code == 404
    assert page.get(Host="attacker.example").status_code == 403
    assert page.get(Origin="http://attacker.example").status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "null"}, {"Origin": "http://attacker.example"}, {"Sec-Fetch-Site": "cross-site"}],
)
def test_nobody_acts_from_another_page(page: Reader, staged: Sandbox, headers: dict[str, str]) -> None:
    if "Sec-Fetch-Site" in headers:
        headers = {**headers, "Origin": page.here}
    assert page.do(headers=headers, text="hello").status_code == 403
    assert staged.slack.messages(staged.slack.channel) == []


def test_nothing_is_loaded_from_elsewhere_or_kept(page: Reader) -> None:
    for path in ("", "page.css", "page.js"):
        answer = page.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert answer.status_code == 200
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
    text = page.get().text
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script>", text)
    assert not re.search(r'(src|href)="(https?:)?//', text)


def test_looking_changes_nothing_and_an_unchanged_page_is_not_sent_again(
    page: Reader, staged: Sandbox
) -> None:
    before = dict(staged.slack.channels), len(staged.genesys.conversations), len(staged.slack.requests)
    verbs = "text=hi&home=1&leave=1&come=1&fault=lost&write=hi&shortcut=canned_open&under=1"
    for place in ("dm", "home", staged.slack.channel, "C0NOWHERE"):
        answer = page.get(f"?who={staged.slack.bob}&place={place}&thread=1.2&chat=none&{verbs}")
        assert answer.status_code == 200
    assert (
        dict(staged.slack.channels),
        len(staged.genesys.conversations),
        len(staged.slack.requests),
    ) == before
    assert page.get("do").status_code == 404
    version = page.get().headers["X-Version"]
    assert page.get(**{"X-Version": version}).status_code == 204


def test_words_of_people_stay_words(page: Reader, staged: Sandbox) -> None:
    chat = staged.genesys.start_chat(NASTY)
    staged.genesys.customer_writes(chat, f"{NASTY} \"'>&")
    staged.slack.set_user(staged.slack.bob, real_name=NASTY)
    said = f'*{NASTY}* `{NASTY}` <javascript:alert(1)|here> <https://x.example/"onclick="x|it> :warning:'
    staged.slack.says(staged.slack.bob, staged.slack.channel, said)
    text = page.get(f"?chat={chat}&under=1").text

    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert 'href="javascript:' not in text
    assert 'href="https://x.example/&#34;onclick=&#34;x"' in text
    assert "⚠️" in text


@pytest.mark.parametrize(
    "typed",
    ["<!channel> <b>", "<!date^99999999999999999^{date}|then>", "<@U0BOB> &lt;", "<https://x.example|y>"],
)
def test_what_is_typed_is_read_as_it_was_typed(page: Reader, staged: Sandbox, typed: str) -> None:
    answer = page.do(text=typed)

    assert answer.status_code == 200
    assert f"<p>{escape(typed)}</p>" in answer.text
    assert [each.said for each in staged.slack.messages(staged.slack.channel)] == [typed]


@pytest.mark.parametrize("stamp", ["253402300800", "9" * 17, "9" * 30])
def test_date_that_no_calendar_has_is_its_fallback(page: Reader, staged: Sandbox, stamp: str) -> None:
    staged.slack.says(staged.slack.bob, staged.slack.channel, f"at <!date^{stamp}^{{date}}|some time>")
    assert "<time>some time</time>" in page.get().text


def test_home_is_shown_as_it_was_published(page: Reader, staged: Sandbox) -> None:
    title = {"type": "section", "text": {"type": "plain_text", "text": "Your sends"}}
    last = {"type": "section", "text": {"type": "mrkdwn", "text": "*escalation* :warning:"}}
    staged.slack.publish(staged.slack.ann, {"type": "home", "blocks": [title, {"type": "divider"}, last]})
    text = page.get("?place=home").text

    assert "<p>Your sends</p>" in text
    assert "<strong>escalation</strong> ⚠️" in text
    assert "Your sends" not in page.get(f"?place=home&who={staged.slack.bob}").text
    assert f'href="?who={staged.slack.bob}&amp;chat=' in text  # who has not opened theirs is elsewhere


def test_time_that_was_picked_can_be_taken_back(page: Reader, staged: Sandbox) -> None:
    slack = staged.slack
    picker = {"type": "datetimepicker", "action_id": "at"}
    at = {"type": "input", "block_id": "at", "optional": True, "element": picker}
    at["label"] = {"type": "plain_text", "text": "At"}
    view = slack.show(slack.ann, {"type": "modal", "title": at["label"], "blocks": [at]})
    chosen = {"in": view.id, "choose": "at/at", "kind": "datetimepicker"}

    assert 'value="2026-11-25T12:00"' in page.do(**chosen, **{"at/at": "2026-11-25T12:00"}).text
    assert 'type="datetime-local" name="at/at" value=""' in page.do(**chosen, **{"at/at": ""}).text


def test_every_kind_of_block_and_element_that_the_bot_uses_is_drawn() -> None:
    template = (ROOT / "bot" / "sandbox" / "templates" / "sandbox" / "blocks.html").read_text(
        encoding="utf-8"
    )
    kinds = {kind for text in SOURCES for kind in re.findall(r'"type": "([a-z_]+)"', text)}
    others = {"plain_text", "mrkdwn", "modal", "home", "global", "message"}
    assert {kind for kind in kinds - others if f'"{kind}"' not in template} == set()


def test_every_emoji_that_the_bot_uses_is_drawn() -> None:
    assert {name for text in SOURCES for name in re.findall(r":([a-z0-9_]+):(?=[ \"])", text)} <= {*EMOJI}


def test_a_window_is_worked_by_forms_alone(running: Sandbox, open_page: Callable[[Sandbox], Reader]) -> None:
    page = open_page(running)
    page.do(shortcut="canned_open")
    running.drain()
    view = running.slack.open_view(running.slack.ann)
    assert view is not None
    here = {"in": view.id}
    place = view.blocks[0]["block_id"]
    response = "response/canned_response"
    offered = page.do("search", field=response, typed="greting", **here).text
    page.do(choose=response, **here, **{response: "greeting"})
    page.do(enter=f"{place}/canned_conversation", **here, **{f"{place}/canned_conversation": "no id"})
    refused = page.do(submit="1", **here).text
    closed = page.do(close="1", **here).text

    assert re.findall(r'data-value="(\w+)"', offered) == ["greeting"]
    assert "Greeting by name" in refused
    assert 'role="alert"' in refused
    assert "<dialog" in refused
    assert "<dialog" not in closed


def test_click_in_a_window_that_is_gone_does_nothing_to_another(page: Reader, staged: Sandbox) -> None:
    slack = staged.slack
    made = {"type": "modal", "title": {"type": "plain_text", "text": "First"}, "blocks": []}
    first, _ = slack.show(slack.ann, made), slack.show(slack.bob, made)
    second = slack.show(slack.ann, made)
    gone = {"in": first.id}

    assert "That is not there any more." not in page.do(close="1", **gone).text  # it is closed
    assert "That is not there any more." in page.do(submit="1", **gone).text
    assert "That is not there any more." in page.do(press="a/b", **gone).text
    assert slack.top(slack.ann) is second
    page.do(close="1", **{"in": second.id})
    assert slack.top(slack.ann) is None
    assert "That is not there any more." not in page.do(close="1", **{"in": second.id}).text


def test_what_cannot_be_done_is_said_and_faults_are_switched_on_and_off(
    page: Reader, staged: Sandbox
) -> None:
    gone = {"in": "1.2", "press": "a/b"}
    assert "That is not there any more." in page.do(**gone).text
    assert "no commands in threads" in page.do(text="/canned help", thread="1.2").text
    assert "/caned is not a valid command." in page.do(text="/caned help").text
    assert staged.slack.deliveries == []
    assert "no commands" not in page.do(text="Good morning").text
    assert page.do("search", field="a/b", **gone).text.count('role="option"') == 0
    assert 'aria-checked="true"' in page.do(query="?under=1", fault="slow").text
    assert 'aria-checked="true"' not in page.do(query="?under=1", fault="slow").text
    assert "That is not there any more." in page.do(fault="nonsense").text
    assert [each.said for each in staged.slack.messages(staged.slack.channel)] == ["Good morning"]


def test_requests_are_shown_without_what_is_secret_in_them(
    running: Sandbox, open_page: Callable[[Sandbox], Reader]
) -> None:
    page, sandbox = open_page(running), running
    page.do(text="/canned {conversation} escalation")
    sandbox.drain()
    text = page.get("?under=1").text

    assert "Slack → canned" in text
    assert "canned → Genesys" in text
    assert "POST /oauth/token" in text
    assert "/response/…" in text
    assert not any(token in text for token in (*sandbox.genesys.tokens, *sandbox.slack.response_urls))
    assert sandbox.genesys.client_secret not in text
