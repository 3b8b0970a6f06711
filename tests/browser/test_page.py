"""What a person does on the sandbox's page, done in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect
from playwright.sync_api import Page as Tab

from bot.sandbox.sandbox import Sandbox

ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."


def messages(tab: Tab) -> Locator:
    return tab.get_by_role("log", name="Messages")


def chat(tab: Tab) -> Locator:
    return tab.get_by_role("log", name="The chat as the customer sees it")


def types(tab: Tab, line: str) -> None:
    tab.get_by_label("Message or command").fill(line)
    tab.keyboard.press("Enter")


def be(tab: Tab, name: str) -> None:
    link = tab.get_by_role("navigation", name="Who you are").get_by_role("link", name=name)
    link.click()
    expect(link).to_have_attribute("aria-current", "true")  # before that the links are another person's


def test_typed_command_is_seen_on_both_sides_and_in_the_thread(tab: Tab, sandbox: Sandbox) -> None:
    types(tab, f"/canned {sandbox.conversation} escalation")

    expect(chat(tab).get_by_text(ESCALATION)).to_be_visible()
    expect(messages(tab).get_by_text("Only visible to you").first).to_be_visible()
    messages(tab).get_by_role("link", name="1 reply").click()
    expect(tab.get_by_role("log", name="Replies").get_by_text(ESCALATION)).to_be_visible()
    be(tab, "Lee outsider")
    expect(messages(tab).get_by_role("listitem")).to_have_count(1)
    expect(messages(tab).get_by_text("Only visible to you")).to_have_count(0)


def test_window_is_filled_in_by_keyboard_alone(tab: Tab, sandbox: Sandbox) -> None:
    tab.get_by_role("button", name="Send a response").focus()
    tab.keyboard.press("Enter")
    window = tab.get_by_role("dialog", name="Send a response")
    response = window.get_by_role("combobox", name="Response")
    response.press_sequentially("greting")
    expect(window.get_by_role("option", name="Greeting by name")).to_be_visible()
    response.press("ArrowDown")
    response.press("Enter")
    topic = window.get_by_label("topic")
    topic.press_sequentially("your tea")
    window.get_by_role("button", name="Send").last.press("Enter")
    conversation = window.get_by_label("Conversation")
    expect(conversation).to_have_attribute("aria-invalid", "true")
    expect(conversation).to_be_focused()

    conversation.press_sequentially(sandbox.conversation)
    conversation.press("Enter")
    text = "Hello Grace Hopper, I am Ann Lee. How can I help with your tea?"
    expect(window.get_by_text(text)).to_be_visible()
    window.get_by_role("button", name="Send").last.press("Enter")
    expect(window.get_by_text("Sent")).to_be_visible()
    expect(window.get_by_role("button", name="Close").last).to_be_focused()
    tab.keyboard.press("Escape")
    expect(window).to_have_count(0)
    expect(tab.get_by_role("button", name="Send a response")).to_be_focused()
    expect(chat(tab).get_by_text(text)).to_be_visible()


def test_select_shows_what_is_chosen_and_offers_what_was_found_for_its_letters(
    tab: Tab, sandbox: Sandbox
) -> None:
    tab.get_by_role("button", name="Send a response").click()
    response = tab.get_by_role("dialog").get_by_role("combobox", name="Response")
    response.click()
    expect(tab.get_by_role("option", name="Escalated to a specialist")).to_be_visible()
    response.fill("refund")
    response.press("Enter")  # before anything is found for it
    option = tab.get_by_role("option", name="Refund promised")
    expect(option).to_be_visible()
    expect(response).to_have_value("refund")
    response.press("Enter")
    expect(response).to_have_value("Refund promised")
    expect(tab.get_by_role("dialog").get_by_label("Message")).to_be_visible()

    response.fill("escalation")
    response.press("Tab")
    expect(response).to_have_value("Refund promised")


def test_second_click_on_send_answers_no_question_that_was_not_shown(tab: Tab, sandbox: Sandbox) -> None:
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {sandbox.conversation} escalation", slack.channel)
    sandbox.drain()
    slack.types(slack.ann, f"/canned {sandbox.conversation}", slack.channel)
    sandbox.drain()
    slack.choose(slack.ann, "Response", "escalation")
    sandbox.drain()
    window = tab.get_by_role("dialog")
    expect(window.get_by_label("Message")).to_have_value(ESCALATION)
    # The second click comes when the answer to the first is there and not on the screen yet.
    tab.evaluate(
        """async () => {
          const send = document.querySelector("dialog footer button.primary"), ask = window.fetch;
          const answered = new Promise((done) => {
            window.fetch = async (...given) => {
              const answer = await ask(...given);
              send.click();
              done();
              return answer;
            };
          });
          send.click();
          await answered;
          window.fetch = ask;
        }"""
    )

    expect(window.get_by_text("Send it again?")).to_be_visible()
    sandbox.drain()
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]


def test_typed_text_and_focus_outlive_what_happens_meanwhile(tab: Tab, sandbox: Sandbox) -> None:
    line = tab.get_by_label("Message or command")
    line.press_sequentially("half a thou")
    tab.evaluate("document.querySelector('#text').setSelectionRange(4, 4)")
    sandbox.slack.says(sandbox.slack.bob, sandbox.slack.channel, "Somebody else writes")
    sandbox.genesys.customer_writes(sandbox.conversation, "Are you there?")

    expect(messages(tab).get_by_text("Somebody else writes")).to_be_visible()
    expect(chat(tab).get_by_text("Are you there?")).to_be_visible()
    expect(line).to_have_value("half a thou")
    expect(line).to_be_focused()
    assert tab.evaluate("document.activeElement.selectionStart") == 4


def test_year_of_a_time_has_four_digits(tab: Tab, sandbox: Sandbox) -> None:
    tab.get_by_role("button", name="Send a response").click()
    at = tab.get_by_role("dialog").get_by_label("At (optional)")
    at.focus()
    tab.keyboard.type("12312026730AM")

    expect(at).to_have_value("2026-12-31T07:30")


def test_typed_text_and_focus_outlive_a_complaint_that_goes(tab: Tab, sandbox: Sandbox) -> None:
    line = tab.get_by_label("Message or command")
    sandbox.slack.says(sandbox.slack.bob, sandbox.slack.channel, "Somebody writes")
    messages(tab).get_by_role("link", name="Reply in thread").click()
    tab.get_by_label("Reply", exact=True).fill("/canned help")
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("Slack takes no commands in threads.")).to_be_visible()
    line.press_sequentially("half a thou")
    tab.evaluate("fetch(document.querySelector('#composer').action, {method: 'POST', body: new FormData()})")

    expect(tab.get_by_text("Slack takes no commands in threads.")).to_have_count(0)
    expect(line).to_have_value("half a thou")
    expect(line).to_be_focused()


def test_typed_text_and_focus_outlive_a_field_that_comes_above(tab: Tab, sandbox: Sandbox) -> None:
    slack = sandbox.slack
    slack.shortcut(slack.ann, "canned_open")
    sandbox.drain()
    slack.choose(slack.ann, "Response", "greeting")
    sandbox.drain()
    topic = tab.get_by_role("dialog").get_by_label("topic")
    topic.press_sequentially("half a top")
    view = slack.top(slack.ann)
    assert view is not None
    element = {"type": "plain_text_input", "action_id": "more"}
    label = {"type": "plain_text", "text": "More"}
    more = {"type": "input", "block_id": "more", "label": label, "element": element}
    for blocks in ([view.blocks[0], more, *view.blocks[1:]], view.blocks):
        slack.change(view, {**view.json, "blocks": blocks})
        expect(tab.get_by_role("dialog").get_by_label("More")).to_have_count(int(more in blocks))
        expect(topic).to_have_value("half a top")
        expect(topic).to_be_focused()


@pytest.mark.parametrize("undo_seconds", [120])
def test_what_has_the_focus_and_goes_leaves_it_nearby(tab: Tab, sandbox: Sandbox) -> None:
    types(tab, f"/canned {sandbox.conversation} escalation")
    messages(tab).get_by_role("button", name="Undo").press("Enter")
    expect(messages(tab).get_by_role("button", name="Undo")).to_have_count(0)
    expect(messages(tab)).to_be_focused()
    tab.get_by_role("button", name="End chat").press("Enter")
    expect(chat(tab)).to_be_focused()
    tab.get_by_role("button", name="Home").press("Enter")
    tab.get_by_role("button", name="Disconnect Genesys").press("Enter")
    expect(tab.get_by_role("button", name="Connect Genesys")).to_be_visible()
    expect(tab.get_by_role("form", name="Home")).to_be_focused()


@pytest.mark.parametrize("undo_seconds", [120])
def test_what_was_undone_reaches_nobody(tab: Tab, sandbox: Sandbox) -> None:
    types(tab, f"/canned {sandbox.conversation} escalation")
    messages(tab).get_by_role("button", name="Undo").click()

    expect(messages(tab).get_by_text("Not sent").first).to_be_visible()
    assert sandbox.genesys.customer_sees(sandbox.conversation) == []


def test_lost_answer_ends_in_unknown_and_a_direct_message(tab: Tab, sandbox: Sandbox) -> None:
    sandbox.genesys.messages_show_after = 3600  # so that looking does not find it
    tab.get_by_role("link", name="Under the hood").click()
    switch = tab.get_by_role("switch", name="Lost answer")
    switch.click()
    expect(switch).to_be_checked()
    types(tab, f"/canned {sandbox.conversation} escalation")

    expect(messages(tab).get_by_text("Unknown").first).to_be_visible()
    expect(tab.get_by_role("table", name="Sends").get_by_text("unknown")).to_be_visible()
    expect(tab.get_by_role("table", name="HTTP requests").get_by_text("no answer").first).to_be_visible()
    tab.get_by_role("navigation", name="Slack").get_by_role("link", name="Canned").click()
    expect(messages(tab).get_by_text(ESCALATION)).to_be_visible()
    switch.click()
    expect(switch).not_to_be_checked()
    assert sandbox.genesys.customer_sees(sandbox.conversation) == [ESCALATION]


def test_account_is_connected_in_the_same_browser(tab: Tab, sandbox: Sandbox) -> None:
    types(tab, "/canned disconnect")
    types(tab, "/canned connect")
    with tab.expect_popup() as opened:
        messages(tab).get_by_role("link", name="Connect Genesys").click()
    page = opened.value
    page.get_by_role("button", name="This is me").click()
    page.get_by_label("E-mail").select_option(label="ann.lee@example.com")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Connected as Ann Lee")).to_be_visible()


def test_agent_is_asked_and_agrees(tab: Tab, sandbox: Sandbox) -> None:
    tab.get_by_role("link", name="Alan Turing").click()
    expect(chat(tab).get_by_text("My invoice shows the wrong address.")).to_be_visible()
    tab.get_by_role("button", name="/canned … escalation").click()
    messages(tab).get_by_role("button", name="Ask Bob Ray").click()
    expect(tab.get_by_role("link", name="Bob agent")).to_have_class("news")
    be(tab, "Bob agent")
    tab.get_by_role("navigation", name="Slack").get_by_role("link", name="Canned").click()
    messages(tab).get_by_role("button", name="Send", exact=True).click()
    expect(chat(tab).get_by_text(ESCALATION)).to_be_visible()


def test_refund_waits_for_the_approver(tab: Tab, sandbox: Sandbox) -> None:
    types(tab, f"/canned {sandbox.conversation} refund lang=es")
    messages(tab).get_by_role("link", name="1 reply").click()
    expect(tab.get_by_role("log", name="Replies").get_by_role("listitem")).not_to_have_count(0)
    be(tab, "Mia approver")
    tab.get_by_role("log", name="Replies").get_by_role("button", name="Approve").click()
    expect(
        chat(tab).get_by_text("Le devolvemos el importe íntegro en cinco días laborables.")
    ).to_be_visible()


def test_customer_writes_leaves_and_another_one_comes(tab: Tab, sandbox: Sandbox) -> None:
    tab.get_by_label("Write as Grace Hopper").fill("Thanks!")
    tab.keyboard.press("Enter")
    expect(chat(tab).get_by_text("Thanks!")).to_be_visible()
    tab.get_by_role("button", name="End chat").click()
    expect(chat(tab).get_by_text("The chat has ended.")).to_be_visible()
    tab.get_by_role("button", name="Let a new customer come").click()
    expect(tab.get_by_role("heading", name=re.compile("Customer 4"))).to_be_visible()


def test_page_fits_into_the_window_wide_and_narrow(tab: Tab, sandbox: Sandbox) -> None:
    tab.get_by_role("link", name="Under the hood").click()
    expect(tab.get_by_role("region", name="Under the hood")).to_be_visible()
    for width in (1280, 390):
        tab.set_viewport_size({"width": width, "height": 800})
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
    sandbox.slack.says(sandbox.slack.bob, sandbox.slack.channel, f"```{'x ' * 400}{'y' * 400}```")
    expect(messages(tab).locator("pre")).to_be_visible()
    assert messages(tab).evaluate("each => each.scrollWidth <= each.clientWidth")
