"""Connecting one's Genesys account: by oneself, once, and for nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.models import Link, Receipt, State
from bot.sandbox.browser import Browser
from bot.sandbox.sandbox import Sandbox, link_in
from bot.storage import Store
from tests.hands import direct, states

ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."
TOKEN = "POST /oauth/token"
READ = "GET /api/v2/conversations/{id}"
NOTHING = "Nothing was connected"


@pytest.fixture
def api() -> str:
    return "platform"


@pytest.fixture
def office(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """The bot runs, and nobody is linked or signed in."""
    return make_sandbox(connected=False).start()


@pytest.fixture
def store(office: Sandbox) -> Iterator[Store]:
    store = office.open_store()
    yield store
    store.close()


def asks_for_a_link(sandbox: Sandbox, user: str = "") -> str:
    slack, user = sandbox.slack, user or sandbox.slack.ann
    slack.types(user, "/canned connect", slack.channel)
    return link_in(slack.ephemerals(user)[-1])


def opened(sandbox: Sandbox, link: str) -> Browser:
    browser = Browser(sandbox.genesys)
    browser.open(link)
    return browser


def types(sandbox: Sandbox, text: str = "escalation") -> None:
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} {text}", slack.channel)


def grants(sandbox: Sandbox) -> int:
    """How many token requests Genesys has seen that were a person's."""
    return sum(each.form.get("grant_type") != "client_credentials" for each in sandbox.genesys.seen(TOKEN))


# -- the way it goes --------------------------------------------------------------------------


def test_connected_by_code_and_pkce_ann_sends_as_herself(office: Sandbox, store: Store) -> None:
    browser = office.connect()
    types(office)
    office.drain()

    assert (browser.status, "Connected as Ann Lee" in browser.text) == (200, True)
    [sent] = office.genesys.received
    assert (sent.text, sent.from_id) == (ESCALATION, office.genesys.ann)
    assert any("Connected as Ann Lee" in said for said in direct(office))
    link = store.link(office.slack.ann)
    assert link is not None
    assert (link.genesys_user, link.source) == (office.genesys.ann, "connect")
    [exchange] = [e for e in office.genesys.seen(TOKEN) if e.form["grant_type"] == "authorization_code"]
    assert len(exchange.form["code_verifier"]) >= 43


def test_the_page_names_the_slack_account_and_is_kept_to_itself(office: Sandbox) -> None:
    browser = opened(office, asks_for_a_link(office))

    assert "Ann Lee" in browser.text
    assert "ann.lee@example.com" in browser.text
    assert browser.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in browser.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in browser.headers["Content-Security-Policy"]
    assert browser.cookies == {}


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(office: Sandbox) -> None:
    browser = opened(office, asks_for_a_link(office))
    browser.click()

    said = browser.headers["Set-Cookie"]
    assert "HttpOnly" in said
    assert "SameSite=Lax" in said
    assert "Max-Age=600" in said


def test_the_command_that_needed_it_goes_on_after_one_click(office: Sandbox) -> None:
    types(office)
    office.rest()
    waiting = office.slack.ephemerals(office.slack.ann)[-1].said
    offered = office.slack.direct_messages(office.slack.ann)[-1]

    assert states(office) == [State.PENDING]
    assert "Ann Lee has to sign in to Genesys first: the bot has sent them a button" in waiting
    assert office.bot.parts.lanes.posts.wait_idle(10)
    [card] = office.slack.messages(office.slack.channel)
    assert "Ann Lee has to sign in" in card.said  # not whoever reads it
    browser = opened(office, link_in(offered))
    browser.click()
    browser.log_in(office.genesys.ann)
    office.drain()

    assert "What waited for it goes out now" in browser.text
    assert office.genesys.customer_sees(office.conversation) == [ESCALATION]
    assert any("Sent" in said and "escalation" in said for said in direct(office))


def test_connecting_by_the_command_lets_go_on_what_waits_too(office: Sandbox) -> None:
    types(office)
    types(office, "greeting topic=it")
    office.rest()
    office.connect()
    office.drain()

    assert len(office.genesys.received) == 2


def test_a_send_offers_the_button_once_however_often_it_is_looked_at(office: Sandbox) -> None:
    types(office)
    office.rest()
    for _ in range(3):
        office.clock.advance(seconds=31)
        office.bot.sweep()
        office.rest()

    assert sum("Connect Genesys" in said for said in direct(office)) == 1
    assert states(office) == [State.PENDING]


@pytest.mark.parametrize("kind", ["status", "lost_before", "429"])
def test_the_button_is_put_before_them_though_slack_fails_once(office: Sandbox, kind: str) -> None:
    office.slack.fault("POST /api/chat.postMessage", kind, retry_after=1)
    types(office)
    office.rest()
    office.bot.parts.lanes.posts.wait_idle(10)

    assert sum("Connect Genesys" in said for said in direct(office)) == 1


def test_nobody_connects_and_after_five_minutes_it_is_not_sent(office: Sandbox) -> None:
    types(office)
    office.rest()
    office.clock.advance(minutes=6)
    office.drain()
    browser = opened(office, asks_for_a_link(office))
    browser.click()
    browser.log_in(office.genesys.ann)
    office.drain()

    assert states(office) == [State.REFUSED]
    assert office.genesys.received == []
    assert "five minutes" in office.receipts()[0].reason


def test_me_offers_the_button_until_one_is_connected(office: Sandbox) -> None:
    slack = office.slack
    slack.types(slack.ann, "/canned me", slack.channel)
    before = slack.ephemerals(slack.ann)[-1].said
    office.connect()
    slack.types(slack.ann, "/canned me", slack.channel)
    after = slack.ephemerals(slack.ann)[-1].said

    assert "Connect Genesys" in before
    assert "Connect Genesys" not in after
    assert "connected by you" in after


def test_the_window_says_how_to_connect_to_somebody_who_is_linked_and_has_to_sign_in(
    office: Sandbox,
) -> None:
    office.link_user(office.slack.ann, office.genesys.ann, signed_in=False)
    office.slack.types(office.slack.ann, f"/canned {office.conversation}", office.slack.channel)
    office.drain()
    office.slack.choose(office.slack.ann, "Response", "escalation")
    office.drain()
    view = office.slack.open_view(office.slack.ann)

    assert view is not None
    assert "/canned connect" in view.text.partition("Preview")[2]


def test_the_button_that_opens_the_page_is_acknowledged(office: Sandbox) -> None:
    slack = office.slack
    slack.types(slack.ann, "/canned connect", slack.channel)

    assert slack.press(slack.ann, "Connect Genesys", slack.ephemerals(slack.ann)[-1]).ok


def test_an_operators_link_is_confirmed_and_stays_the_operators(office: Sandbox, store: Store) -> None:
    office.genesys.users[office.genesys.ann].email = "a.lee@elsewhere.example"
    office.link_user(office.slack.ann, office.genesys.ann, signed_in=False)
    browser = office.connect()
    types(office)
    office.drain()

    assert "Connected as Ann Lee" in browser.text
    assert len(office.genesys.received) == 1
    link = store.link(office.slack.ann)
    assert link is not None
    assert link.source == "operator"


# -- the ways it must not go ------------------------------------------------------------------


def test_a_link_forwarded_to_somebody_else_connects_nobody(office: Sandbox, store: Store) -> None:
    lured = opened(office, asks_for_a_link(office))
    lured.click()
    lured.log_in(office.genesys.bob)

    assert (lured.status, NOTHING in lured.text) == (400, True)
    assert "another e-mail address" in lured.text
    assert (store.links(), store.grant(office.genesys.bob), store.grant(office.genesys.ann)) == (
        [],
        None,
        None,
    )
    assert not any(each.user_id == office.genesys.bob for each in office.genesys.tokens.values())


def test_the_way_back_counts_only_in_the_browser_that_was_clicked_in(office: Sandbox, store: Store) -> None:
    browser = opened(office, asks_for_a_link(office))
    browser.click()
    back = office.genesys.log_in(browser.away, office.genesys.ann)
    other = opened(office, back)

    assert (other.status, NOTHING in other.text) == (400, True)
    assert store.links() == []
    browser.open(back)
    assert "Connected as Ann Lee" in browser.text


def test_of_two_sign_ins_in_one_browser_the_later_counts_and_the_other_is_told_why(office: Sandbox) -> None:
    first = opened(office, asks_for_a_link(office))
    second = asks_for_a_link(office)
    first.click()
    away = first.away
    first.open(second)
    first.click()
    later = first.away
    first.open(office.genesys.log_in(away, office.genesys.ann))
    assert "another one was begun here since" in first.text
    first.open(office.genesys.log_in(later, office.genesys.ann))

    assert first.status == 200


def test_a_link_works_once(office: Sandbox) -> None:
    link = asks_for_a_link(office)
    first, second = opened(office, link), opened(office, link)
    first.click()
    second.click()
    third = opened(office, link)

    assert first.status == 303
    assert [(each.status, NOTHING in each.text) for each in (second, third)] == [(400, True)] * 2


def test_a_way_back_works_once(office: Sandbox) -> None:
    browser = opened(office, asks_for_a_link(office))
    browser.click()
    back = office.genesys.log_in(browser.away, office.genesys.ann)
    cookies = browser.cookies
    browser.open(back)
    asked = grants(office)
    browser._session.cookies.update(cookies)
    browser.open(back)

    assert (browser.status, NOTHING in browser.text) == (400, True)
    assert grants(office) == asked


@pytest.mark.parametrize("seconds", [599, 601])
def test_a_link_lives_for_ten_minutes(office: Sandbox, seconds: int) -> None:
    link = asks_for_a_link(office)
    office.clock.advance(seconds=seconds)
    browser = opened(office, link)

    assert browser.status == (200 if seconds < 600 else 400)


def test_the_way_back_lives_for_ten_minutes_from_the_link_on(office: Sandbox, store: Store) -> None:
    browser = opened(office, asks_for_a_link(office))
    office.clock.advance(minutes=6)
    browser.click()
    back = office.genesys.log_in(browser.away, office.genesys.ann)
    office.clock.advance(minutes=5)
    browser.open(back)

    assert (browser.status, NOTHING in browser.text) == (400, True)
    assert store.links() == []


@pytest.mark.parametrize("wrong", ["", "x", "eyJ4IjoxfQ.forged", "swapped"])
def test_a_forged_state_asks_genesys_nothing(office: Sandbox, wrong: str) -> None:
    link = asks_for_a_link(office)
    browser = opened(office, link)
    browser.click()
    back = urlsplit(office.genesys.log_in(browser.away, office.genesys.ann))
    asked = grants(office)
    # The link's own token is signed by us too, for another use.
    state = parse_qs(urlsplit(link).query)["for"][0] if wrong == "swapped" else wrong
    browser.open(f"{back.scheme}://{back.netloc}{back.path}?code=1&state={state}")

    assert (browser.status, NOTHING in browser.text) == (400, True)
    assert grants(office) == asked


def test_the_state_of_one_person_does_not_connect_another(office: Sandbox, store: Store) -> None:
    """Bob puts his own state behind Ann's code, or the reverse: cookie and verifier do not fit."""
    anns, bobs = (opened(office, asks_for_a_link(office, u)) for u in (office.slack.ann, office.slack.bob))
    for each in (anns, bobs):
        each.click()
    ann_back = office.genesys.log_in(anns.away, office.genesys.ann)
    bob_back = office.genesys.log_in(bobs.away, office.genesys.bob)
    code = parse_qs(urlsplit(ann_back).query)["code"][0]
    state = parse_qs(urlsplit(bob_back).query)["state"][0]
    swapped = f"{ann_back.partition('?')[0]}?code={code}&state={state}"
    bobs.open(swapped)

    assert bobs.status == 400
    assert store.links() == []


@pytest.mark.parametrize(
    "said", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_a_click_on_somebody_elses_page_is_none(office: Sandbox, said: dict[str, str]) -> None:
    browser = opened(office, asks_for_a_link(office))
    browser.click(**said)

    assert browser.status == 400
    assert browser.cookies == {}


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://Bot.Example.com", "https://bot.example.com"),
        ("https://bot.example.com:443", "https://bot.example.com"),
        ("https://bot.example.com:8443", "https://bot.example.com:8443"),
        ("https://[2001:DB8::1]", "https://[2001:db8::1]"),
    ],
)
def test_a_browser_names_our_page_in_its_own_way(
    make_sandbox: Callable[..., Sandbox], written: str, origin: str
) -> None:
    """Small letters, and no port that goes without saying, however the operator wrote the address."""
    sandbox = make_sandbox(connected=False, variables={"CANNED_PUBLIC_URL": written}).start()
    link = asks_for_a_link(sandbox)
    assert link.startswith(written)
    browser = opened(sandbox, link.replace(written, f"http://127.0.0.1:{sandbox.bot.listener.port}"))
    browser.click(Origin=origin)

    assert browser.status == 303


def test_saying_no_to_genesys_connects_nobody(office: Sandbox, store: Store) -> None:
    browser = opened(office, asks_for_a_link(office))
    browser.click()
    browser.deny()

    assert (browser.status, NOTHING in browser.text) == (400, True)
    assert store.links() == []


@pytest.mark.parametrize("email", ["", "ann.lee@example.com.evil.example"])
def test_without_the_same_address_on_both_sides_nobody_is_connected(
    office: Sandbox, store: Store, email: str
) -> None:
    office.slack.set_user(office.slack.ann, email=email)
    browser = office.connect()

    assert "another e-mail address" in browser.text
    assert store.links() == []


def test_upper_case_in_an_address_is_the_same_address(office: Sandbox) -> None:
    office.genesys.users[office.genesys.ann].email = "Ann.Lee@Example.com"

    assert "Connected as Ann Lee" in office.connect().text


def test_a_genesys_user_who_is_somebody_elses_is_not_connected(office: Sandbox, store: Store) -> None:
    taken = Link(office.slack.bob, office.genesys.ann, "operator", office.clock())
    store.save_link(taken)
    browser = office.connect()

    assert "already" in browser.text
    assert [link.slack_user for link in store.links()] == [office.slack.bob]
    assert store.grant(office.genesys.ann) is None


def test_somebody_linked_to_another_genesys_user_is_not_connected_to_this_one(
    office: Sandbox, store: Store
) -> None:
    other = office.genesys.add_user("Ann Other", "ann.other@example.com")
    store.save_link(Link(office.slack.ann, other, "operator", office.clock()))
    browser = office.connect()

    assert browser.status == 400
    assert [link.genesys_user for link in store.links()] == [other]


def test_somebody_deactivated_in_slack_meanwhile_is_not_connected(office: Sandbox, store: Store) -> None:
    browser = opened(office, asks_for_a_link(office))
    browser.click()
    office.slack.set_user(office.slack.ann, deleted=True)
    office.clock.advance(minutes=5, seconds=1)  # what is known of people is five minutes old at most
    browser.log_in(office.genesys.ann)

    assert browser.status == 400
    assert store.links() == []


def test_where_only_operators_link_connecting_brings_tokens_and_no_link(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    office = make_sandbox(connected=False, config={"identity": ["operator"]}).start()
    slack = office.slack
    slack.types(slack.ann, "/canned connect", slack.channel)
    refused = slack.ephemerals(slack.ann)[-1].said
    office.link_user(slack.ann, office.genesys.ann, signed_in=False)

    assert "canned users link" in refused
    assert "Connected as Ann Lee" in office.connect().text


def test_a_database_that_is_down_connects_nobody_and_says_so(office: Sandbox, store: Store) -> None:
    browser = opened(office, asks_for_a_link(office))
    browser.click()
    back = office.genesys.log_in(browser.away, office.genesys.ann)
    with office.locked_database():
        browser.open(back)

    assert browser.status == 503
    assert store.links() == []


# -- tokens -----------------------------------------------------------------------------------


def test_a_lapsed_token_is_renewed_and_the_rotated_refresh_token_kept(office: Sandbox, store: Store) -> None:
    office.connect()
    before = store.grant(office.genesys.ann)
    office.clock.advance(hours=24)
    types(office)
    office.drain()
    after = store.grant(office.genesys.ann)
    office.clock.advance(hours=24)
    types(office)
    office.drain()

    assert len(office.genesys.received) == 2  # the second renewal used the first one's refresh token
    assert before is not None
    assert after is not None
    assert before.refresh != after.refresh


def test_many_sends_at_once_renew_once(office: Sandbox) -> None:
    office.connect()
    office.clock.advance(hours=24)
    renewed = grants(office)
    chats = [office.genesys.start_chat("Bob Miller", users=[office.genesys.ann]) for _ in range(4)]
    slack = office.slack

    def send(chat: str) -> None:
        slack.types(slack.ann, f"/canned {chat} escalation", slack.channel)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, chats))
    office.drain()

    assert len(office.genesys.received) == 4
    assert grants(office) == renewed + 1


def test_a_token_that_genesys_revoked_makes_the_send_wait_and_one_click_goes_on(office: Sandbox) -> None:
    office.connect()
    office.genesys.log_out(office.genesys.ann)
    types(office)
    office.rest()
    offered = office.slack.direct_messages(office.slack.ann)[-1]

    assert states(office) == [State.PENDING]
    assert office.genesys.received == []
    browser = opened(office, link_in(offered))
    browser.click()
    browser.log_in(office.genesys.ann)
    office.drain()

    assert office.genesys.customer_sees(office.conversation) == [ESCALATION]


def test_without_a_refresh_token_it_sends_while_the_token_lives_and_then_waits(office: Sandbox) -> None:
    office.genesys.inactivity_timeout = 900
    office.genesys.token_lifetime = 3600
    office.connect()
    types(office)
    office.drain()
    office.clock.advance(hours=1)
    types(office, "greeting topic=it")
    office.rest()

    assert len(office.genesys.received) == 1
    assert sorted(states(office)) == [State.PENDING, State.SENT]
    office.connect()
    office.drain()
    assert len(office.genesys.received) == 2


def test_tokens_are_sealed_where_they_are_kept_and_told_nowhere(
    office: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="bot")
    office.connect()
    types(office)
    office.drain()

    kept = b"".join(path.read_bytes() for path in office.folder.glob("canned.db*"))
    secrets = [
        *office.genesys.tokens,
        *office.genesys.refresh_tokens,
        office.genesys.oauth_client_secret or "",
    ]
    assert len(secrets) > 2
    assert not [secret for secret in secrets if secret.encode() in kept]
    assert not [secret for secret in secrets if secret in caplog.text]


def test_a_warm_send_is_two_requests_on_connections_that_are_there(office: Sandbox) -> None:
    office.connect()
    types(office)
    office.drain()
    office.clock.advance(minutes=2)
    office.genesys.forget()
    connections = office.genesys.connections
    types(office)
    office.rest()

    asked = [(each.method, each.path) for each in office.genesys.requests][:2]
    assert [method for method, _ in asked] == ["GET", "POST"]
    assert office.genesys.seen(TOKEN) == []
    assert office.genesys.connections == connections
    assert len(office.genesys.received) == 2


# -- and away again ---------------------------------------------------------------------------


def disconnects(sandbox: Sandbox) -> str:
    slack = sandbox.slack
    slack.types(slack.ann, "/canned disconnect", slack.channel)
    sandbox.drain()
    return slack.ephemerals(slack.ann)[-1].said


def test_disconnect_forgets_the_tokens_here_and_in_genesys_and_the_link(
    office: Sandbox, store: Store
) -> None:
    office.connect()
    said = disconnects(office)

    assert "not connected to Ann Lee any more" in said
    assert [record.actor for record in store.audit() if record.event == "unlinked"] == [office.slack.ann]
    assert (store.links(), store.grant(office.genesys.ann)) == ([], None)
    assert not any(each.user_id == office.genesys.ann for each in office.genesys.tokens.values())


def test_disconnect_leaves_an_operators_link_alone(office: Sandbox, store: Store) -> None:
    office.link()
    said = disconnects(office)

    assert "link to that user stays" in said
    assert [link.source for link in store.links()] == ["operator"]
    assert store.grant(office.genesys.ann) is None


def test_disconnect_forgets_also_while_genesys_is_down(office: Sandbox, store: Store) -> None:
    office.connect()
    office.genesys.stop()
    disconnects(office)

    assert (store.links(), store.grant(office.genesys.ann)) == ([], None)


def test_who_is_not_connected_has_nothing_to_disconnect(office: Sandbox) -> None:
    assert "nothing to disconnect" in disconnects(office)


def test_a_link_that_an_operator_takes_away_takes_the_tokens_with_it(office: Sandbox, store: Store) -> None:
    office.connect()
    store.unlink(office.slack.ann)

    assert store.grant(office.genesys.ann) is None


# -- where nobody signs in --------------------------------------------------------------------


@pytest.mark.parametrize("api", ["events"])
def test_where_people_do_not_sign_in_there_is_nothing_to_connect(office: Sandbox) -> None:
    slack = office.slack
    slack.types(slack.ann, "/canned connect", slack.channel)
    port = office.bot.listener.port
    pages = [
        opened(office, f"http://127.0.0.1:{port}/genesys/{page}").status for page in ("connect", "callback")
    ]

    assert "nothing to connect" in slack.ephemerals(slack.ann)[-1].said
    assert "nothing to disconnect" in disconnects(office)
    assert pages == [404, 404]


def test_a_send_by_an_operator_waits_for_nobody(
    office: Sandbox, sent_by_operator: Callable[[Sandbox], Receipt]
) -> None:
    office.link_user(office.slack.ann, office.genesys.ann, signed_in=False)
    receipt = sent_by_operator(office)

    assert receipt.state is State.REFUSED
    assert "sign-in" in receipt.reason
    assert not any("Connect Genesys" in said for said in direct(office))
    assert office.clock() - receipt.changed_at < timedelta(minutes=1)
