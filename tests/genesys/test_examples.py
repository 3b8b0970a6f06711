"""The vendor's documented answers, as the client reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, jsonify

from bot.genesys import (
    AuthError,
    Delivery,
    Genesys,
    Grant,
    Library,
    MemoryKeyring,
    Queue,
    RateLimited,
    Refused,
    User,
)
from bot.sandbox.http import Server

EXAMPLES = {
    path.stem: json.loads(path.read_text()) for path in (Path(__file__).parent / "examples").glob("*")
}
CHAT = "0b1c2d3e-4f50-4a61-8b72-8c93a4b5c6d7"
BOB = "1a000000-0000-4000-8000-000000000004"
SENT = "1a000000-0000-4000-8000-000000000005"
ASKED = "1a000000-0000-4000-8000-000000000006"
LIBRARY = "1a000000-0000-4000-8000-000000000007"
QUEUE = "1a000000-0000-4000-8000-000000000003"
TEXT = "Hello, a specialist will be with you soon."
AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.fixture
def answering(clock: Any) -> Iterator[Callable[..., Genesys]]:
    """Makes a client of a server that has nothing but these answers, in which Bob has signed in."""
    made: list[Callable[[], None]] = []

    def answering(*names: str) -> Genesys:
        server = Server(
            _app_with({EXAMPLES[name]["path"]: EXAMPLES[name] for name in ("token", *names)})
        ).start()
        keyring = MemoryKeyring()
        keyring.save(BOB, Grant("t0", None, clock.now() + timedelta(days=1)))
        genesys = Genesys.platform(
            region="mypurecloud.ie",
            client_id="c",
            client_secret="s",
            oauth_client_id="c2",
            keyring=keyring,
            login_url=server.url,
            api_url=server.url,
            now=clock.now,
            sleep=clock.sleep,
        )
        made.extend((genesys.close, server.stop))
        return genesys

    yield answering
    for undo in made:
        undo()


def _app_with(examples: dict[str, Any]) -> Flask:
    app = Flask("examples")
    for path, example in examples.items():

        def answer(example: Any = example, **_: str) -> tuple[Response, int, dict[str, str]]:
            return jsonify(example["answer"]), example["status"], example.get("headers", {})

        where = path.replace("{", "<").replace("}", ">")
        app.add_url_rule(where, path, answer, methods=[example["method"]])
    return app


def _conversation(genesys: Genesys) -> None:
    conversation = genesys.conversation(CHAT, reader=BOB)
    sender = genesys.sender(conversation, "self", BOB)
    customer = conversation.customer

    assert (conversation.live, conversation.media, conversation.channel) == (True, "message", "webmessaging")
    assert (sender.participant_id, sender.communication_id) == (
        "1a000000-0000-4000-8000-000000000002",
        "1a000000-0000-4000-8000-0000000000c2",
    )
    assert customer is not None
    assert (customer.name, customer.language, customer.attributes) == (
        "Grace Hopper",
        "en",
        {"orderNumber": "42"},
    )
    assert [mark.id for mark in customer.communications[0].messages] == [ASKED]
    assert genesys.sender(conversation, "system", BOB).address is not None


def _message_accepted(genesys: Genesys) -> None:
    conversation = genesys.conversation(CHAT, reader=BOB)
    sender = genesys.sender(conversation, "self", BOB)
    accepted = genesys.send(conversation, sender, TEXT, response="r", send_id="k")

    assert (accepted.message_id, accepted.status, accepted.conversation_id) == (SENT, "queued", CHAT)


def _agentless_accepted(genesys: Genesys) -> None:
    conversation = genesys.conversation(CHAT)
    sender = genesys.sender(conversation, "system", BOB)
    accepted = genesys.send(conversation, sender, TEXT, response="r", send_id="k")

    assert (accepted.message_id, accepted.status, accepted.conversation_id) == (SENT, "queued", CHAT)


def _messages_bulk(genesys: Genesys) -> None:
    said = genesys.messages(genesys.conversation(CHAT, reader=BOB), reader=BOB)

    assert genesys.delivery(CHAT, [SENT], reader=BOB)[SENT] == Delivery("delivery-success")
    assert {(one.from_customer, one.text, one.at) for one in said} == {
        (False, TEXT, AT),
        (True, "Hello, my order has not arrived.", AT),
    }


def _listed(genesys: Genesys, **whose: Any) -> None:
    (one,) = genesys.live_conversations(reader=BOB, **whose)

    assert (one.id, one.customer, one.queue, one.agent) == (CHAT, "Grace Hopper", "Support EMEA", BOB)
    assert one.since == AT


def _responses(genesys: Genesys) -> None:
    (one,) = genesys.library_responses(LIBRARY)

    assert (one.name, one.version, one.kind) == ("Refund", 3, "standard")
    assert one.text == "Hi {{CUSTOMER_NAME}}, {{orderNumber}} is paid back."
    assert one.substitutions == {"orderNumber": "your order"}


def _signed_in(genesys: Genesys) -> None:
    assert genesys.sign_in is not None
    user, grant = genesys.sign_in.finish("c", "v" * 43, "https://canned.example.com/")

    assert user == User(BOB, "Bob Ray", "bob.ray@example.com")
    assert (grant.access_token, grant.refresh_token) == ("a-token", "another-token")


def _rate_limited(genesys: Genesys) -> None:
    with pytest.raises(RateLimited) as limited:
        _signed_in(genesys)

    assert (limited.value.retry_after, limited.value.correlation_id) == (
        42,
        "1a000000-0000-4000-8000-0000000000ff",
    )


def _refused(genesys: Genesys) -> None:
    with pytest.raises(
        Refused, match=r"it lacks directory:user:view\. .*quoting the Genesys correlation id 1a"
    ):
        genesys.find_user("bob.ray@example.com")


def _no_token(genesys: Genesys) -> None:
    with pytest.raises(AuthError, match=r"\(401 invalid_client\)"):
        genesys.conversation(CHAT)


def _found(genesys: Genesys) -> None:
    assert genesys.find_user("Bob.Ray@example.com") == User(BOB, "Bob Ray", "bob.ray@example.com")


READ_AS: dict[tuple[str, ...], Callable[[Genesys], object]] = {
    ("conversation",): _conversation,
    ("conversation", "message_accepted"): _message_accepted,
    ("conversation", "agentless_accepted"): _agentless_accepted,
    ("conversation", "messages_bulk"): _messages_bulk,
    ("conversation", "my_conversations"): lambda genesys: _listed(genesys, user_id=BOB),
    ("conversation", "activity", "queues"): lambda genesys: _listed(genesys, queues=["Support EMEA"]),
    ("libraries",): lambda genesys: _same(genesys.libraries(), [Library(LIBRARY, "Billing")]),
    ("responses_query",): _responses,
    ("queue",): lambda genesys: _same(
        genesys.queue(QUEUE), Queue(QUEUE, "Support EMEA", "SelectedOnly", (LIBRARY,))
    ),
    ("queues",): lambda genesys: _same(genesys.queues(["support emea"]), {"Support EMEA".lower(): QUEUE}),
    ("token_of_a_person", "users_me"): _signed_in,
    ("token_of_a_person", "rate_limited"): _rate_limited,
    ("permission_missing",): _refused,
    ("token_refused",): _no_token,
    ("token",): lambda genesys: _same(genesys.check()[0].ok, True),
    ("token", "tokens_me"): lambda genesys: _same(genesys.check()[0].ok, True),
    ("users_search",): _found,
}


def _same(found: object, expected: object) -> None:
    assert found == expected


@pytest.mark.parametrize("names", READ_AS, ids=" ".join)
def test_documented_answer_is_read_for_what_it_says(
    answering: Callable[..., Genesys], names: tuple[str, ...]
) -> None:
    READ_AS[names](answering(*names))


def test_every_documented_answer_is_read_by_the_client() -> None:
    assert {name for names in READ_AS for name in names} == EXAMPLES.keys()
    assert all(example["source"] for example in EXAMPLES.values())
