from __future__ import annotations

from bot.sandbox.sandbox import Sandbox


def shown(sandbox: Sandbox) -> str:
    sandbox.drain()
    view = sandbox.slack.open_view(sandbox.slack.ann)
    assert view is not None
    return view.text


def test_the_global_shortcut_opens_the_window(sandbox: Sandbox) -> None:
    sandbox.slack.shortcut(sandbox.slack.ann, "canned_open")

    assert "Conversation" in shown(sandbox)


def test_the_message_shortcut_finds_the_conversation_in_the_message(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    place = f"https://apps.mypurecloud.com/directory/#/engage/admin/interactions/{sandbox.conversation}"
    link = f"see {place}, please"
    slack.message_shortcut(slack.ann, "canned_from_message", slack.says(slack.bob, slack.channel, link))

    assert sandbox.conversation in shown(sandbox)


def test_the_message_shortcut_on_a_threads_card_opens_for_its_conversation(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    sandbox.drain()
    [card] = slack.messages(slack.channel)
    slack.message_shortcut(slack.ann, "canned_from_message", card)

    assert sandbox.conversation in shown(sandbox)


def test_a_message_without_a_conversation_opens_an_empty_window(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    message = slack.says(slack.bob, slack.channel, "hello <https://example.com|there>")
    slack.message_shortcut(slack.ann, "canned_from_message", message)

    assert "Fill in" in shown(sandbox) or "Choose a response" in shown(sandbox)
