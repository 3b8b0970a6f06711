"""The Web API of the simulated workspace, through Slack's own client."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.sandbox.slack import SimulatedSlack

CHANNEL = SimulatedSlack.channel
AUDIT = {"event_type": "canned_audit", "event_payload": {"send_id": "7", "seq": 1}}


@pytest.fixture
def web(slack: SimulatedSlack) -> WebClient:
    return WebClient(slack.bot_token, base_url=f"{slack.url}/api/", retry_handlers=[])


def refused(call: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    data: dict[str, Any] = caught.value.response.data
    return data


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": plain(text)}


def modal(text: str = "x", **more: Any) -> dict[str, Any]:
    return {"type": "modal", "title": plain("Title"), "blocks": [section(text)], **more}


# -- tokens, scopes, arguments


@pytest.mark.parametrize(
    ("token", "error"),
    [("xoxb-other", "invalid_auth"), ("xapp-sandbox", "not_allowed_token_type"), ("", "not_authed")],
)
def test_only_the_bot_token_opens_the_web_api(slack: SimulatedSlack, token: str, error: str) -> None:
    web = WebClient(token, base_url=f"{slack.url}/api/")

    assert refused(web.auth_test)["error"] == error


def test_auth_test_says_who_the_bot_is(slack: SimulatedSlack, web: WebClient) -> None:
    answer = web.auth_test()

    assert (answer["team_id"], answer["user_id"]) == (slack.team_id, slack.bot.id)


def test_method_without_its_scope_is_refused_and_told_which(slack: SimulatedSlack, web: WebClient) -> None:
    slack.scopes = ["commands"]

    answer = refused(web.chat_postMessage, channel=CHANNEL, text="x")

    assert (answer["error"], answer["needed"], answer["provided"]) == (
        "missing_scope",
        "chat:write",
        "commands",
    )
    assert refused(web.users_info, user="U0ANN")["needed"] == "users:read"
    assert refused(web.usergroups_users_list, usergroup="S0LEADS")["needed"] == "usergroups:read"
    assert refused(web.conversations_open, users="U0ANN")["needed"] == "im:write"


@pytest.mark.parametrize(("flags", "kind"), [({}, "channels"), ({"is_private": True}, "groups")])
def test_reading_a_channel_needs_the_scope_of_its_kind(
    slack: SimulatedSlack, web: WebClient, flags: dict[str, bool], kind: str
) -> None:
    channel = slack.add_channel("more", ["U0ANN"], **flags)
    slack.scopes = ["chat:write"]

    assert refused(web.conversations_info, channel=channel)["needed"] == f"{kind}:read"
    assert refused(web.conversations_history, channel=channel)["needed"] == f"{kind}:history"


@pytest.mark.parametrize("body", ["{", "[]", '"text"'])
def test_arguments_that_are_no_json_object_are_refused(slack: SimulatedSlack, body: str) -> None:
    headers = {"Authorization": f"Bearer {slack.bot_token}", "Content-Type": "application/json"}
    answer = requests.post(f"{slack.url}/api/auth.test", body, headers=headers, timeout=10)

    assert answer.json() == {"ok": False, "error": "invalid_json"}


def test_unknown_method_is_refused(web: WebClient) -> None:
    assert refused(web.api_call, api_method="chat.shout")["error"] == "unknown_method"


# -- people and groups


def test_users_info_shows_what_a_person_is(slack: SimulatedSlack, web: WebClient) -> None:
    gone = slack.add_user("gone", deleted=True)
    guest = slack.add_user(
        "guest", is_restricted=True, is_ultra_restricted=True, is_stranger=True, team_id="T2"
    )

    ann = web.users_info(user="U0ANN")["user"]
    assert (ann["name"], ann["profile"]["email"], ann["deleted"]) == ("ann", "ann.lee@example.com", False)
    assert "is_stranger" not in ann
    assert web.users_info(user=gone)["user"]["deleted"] is True
    other = web.users_info(user=guest)["user"]
    assert (other["is_restricted"], other["is_ultra_restricted"]) == (True, True)
    assert (other["is_stranger"], other["team_id"]) == (True, "T2")
    assert refused(web.users_info, user="U0NOBODY")["error"] == "user_not_found"


def test_email_is_shown_only_with_its_scope(slack: SimulatedSlack, web: WebClient) -> None:
    slack.scopes = ["users:read"]

    assert "email" not in web.users_info(user="U0ANN")["user"]["profile"]


def test_groups_have_members_on_paid_plans(slack: SimulatedSlack, web: WebClient) -> None:
    assert web.usergroups_users_list(usergroup="S0LEADS")["users"] == ["U0ANN"]
    assert refused(web.usergroups_users_list, usergroup="S0NONE")["error"] == "no_such_subteam"

    slack.paid_plan = False
    assert refused(web.usergroups_users_list, usergroup="S0LEADS")["error"] == "plan_upgrade_required"


# -- channels


def test_conversations_info_tells_how_a_channel_is_shared(slack: SimulatedSlack, web: WebClient) -> None:
    shared = slack.add_channel("shared", bot=False, is_ext_shared=True, is_pending_ext_shared=True)

    info = web.conversations_info(channel=shared)["channel"]

    assert (info["is_member"], info["is_ext_shared"], info["is_pending_ext_shared"]) == (False, True, True)
    assert web.conversations_info(channel=CHANNEL)["channel"]["is_member"] is True


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        ({"bot": False}, "not_in_channel"),
        ({"bot": False, "is_private": True}, "channel_not_found"),
        ({"is_archived": True}, "is_archived"),
    ],
)
def test_bot_writes_only_where_it_is_and_may(
    slack: SimulatedSlack, web: WebClient, flags: dict[str, bool], error: str
) -> None:
    channel = slack.add_channel("elsewhere", **flags)

    assert refused(web.chat_postMessage, channel=channel, text="x")["error"] == error
    assert refused(web.chat_postMessage, channel="C0NONE", text="x")["error"] == "channel_not_found"
    assert slack.messages("elsewhere") == []


def test_channels_and_people_change(slack: SimulatedSlack, web: WebClient) -> None:
    slack.says("ann", "support-emea", "before")
    slack.set_user("U0ANN", deleted=True)
    slack.set_channel(CHANNEL, bot=False, is_ext_shared=True)

    assert web.users_info(user="U0ANN")["user"]["deleted"] is True
    info = web.conversations_info(channel=CHANNEL)["channel"]
    assert (info["is_member"], info["is_ext_shared"]) == (False, True)
    slack.set_channel(CHANNEL, bot=True)
    assert [m["text"] for m in web.conversations_history(channel=CHANNEL)["messages"]] == ["before"]


def test_reading_a_channel_needs_membership(slack: SimulatedSlack, web: WebClient) -> None:
    channel = slack.add_channel("elsewhere", bot=False)

    assert refused(web.conversations_history, channel=channel)["error"] == "not_in_channel"
    assert refused(web.conversations_replies, channel=channel, ts="1.0")["error"] == "not_in_channel"


# -- messages


def test_message_to_a_user_is_a_direct_message(slack: SimulatedSlack, web: WebClient) -> None:
    posted = web.chat_postMessage(channel="U0ANN", text="*Hi* <@U0ANN>")

    assert posted["channel"] == web.conversations_open(users="U0ANN")["channel"]["id"]
    assert [m.said for m in slack.direct_messages("ann")] == ["Hi @ann"]
    assert slack.direct_messages("bob") == []


def test_replies_stand_in_the_thread_of_their_parent(slack: SimulatedSlack, web: WebClient) -> None:
    card = web.chat_postMessage(channel=CHANNEL, text="card")["ts"]
    reply = web.chat_postMessage(channel=CHANNEL, text="reply", thread_ts=card)["ts"]

    assert [m.said for m in slack.messages(CHANNEL)] == ["card"]
    assert [(m.said, m.thread_ts) for m in slack.thread(CHANNEL, card)] == [("reply", card)]
    threaded = web.conversations_replies(channel=CHANNEL, ts=card)["messages"]
    assert [(m["text"], m.get("reply_count")) for m in threaded] == [("card", 1), ("reply", None)]
    again = refused(web.chat_postMessage, channel=CHANNEL, text="x", thread_ts=reply)
    assert again["error"] == "cannot_reply_to_message"


@pytest.mark.parametrize("error", ["thread_not_found", "message_not_found"])
def test_deleted_card_takes_no_reply_and_no_update(slack: SimulatedSlack, web: WebClient, error: str) -> None:
    slack.deleted_parent = error
    card = web.chat_postMessage(channel=CHANNEL, text="card")["ts"]
    slack.deletes(slack.messages(CHANNEL)[0])

    assert refused(web.chat_postMessage, channel=CHANNEL, text="x", thread_ts=card)["error"] == error
    assert refused(web.chat_update, channel=CHANNEL, ts=card, text="x")["error"] == "message_not_found"
    assert refused(web.conversations_replies, channel=CHANNEL, ts=card)["error"] == "thread_not_found"


def test_metadata_is_shown_only_on_request_and_survives_an_update(
    slack: SimulatedSlack, web: WebClient
) -> None:
    card = web.chat_postMessage(channel=CHANNEL, text="card", metadata=AUDIT)["ts"]
    web.chat_update(channel=CHANNEL, ts=card, text="changed")

    assert "metadata" not in web.conversations_history(channel=CHANNEL)["messages"][0]
    shown = web.conversations_history(channel=CHANNEL, include_all_metadata=True)["messages"][0]
    assert (shown["metadata"], shown["text"]) == (AUDIT, "changed")
    assert slack.messages(CHANNEL)[0].metadata == AUDIT


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({"event_type": "x"}, "invalid_metadata_format"),
        ({"event_type": "a b", "event_payload": {}}, "invalid_metadata_schema"),
    ],
)
def test_malformed_metadata_is_refused(web: WebClient, metadata: dict[str, Any], error: str) -> None:
    assert refused(web.chat_postMessage, channel=CHANNEL, text="x", metadata=metadata)["error"] == error


def test_history_is_newest_first_paged_and_cut_by_time(slack: SimulatedSlack, web: WebClient) -> None:
    stamps = [web.chat_postMessage(channel=CHANNEL, text=str(n))["ts"] for n in range(5)]
    web.chat_postMessage(channel=CHANNEL, text="reply", thread_ts=stamps[0])

    first = web.conversations_history(channel=CHANNEL, limit=2)
    cursor = first["response_metadata"]["next_cursor"]
    second = web.conversations_history(channel=CHANNEL, limit=3, cursor=cursor)
    after = web.conversations_history(channel=CHANNEL, oldest=stamps[2])
    since = web.conversations_history(channel=CHANNEL, oldest=stamps[2], inclusive=True)

    assert [m["text"] for m in (*first["messages"], *second["messages"])] == ["4", "3", "2", "1", "0"]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert [m["text"] for m in after["messages"]] == ["4", "3"]
    assert [m["text"] for m in since["messages"]] == ["4", "3", "2"]


def test_update_keeps_blocks_that_are_not_given_and_drops_them_for_an_empty_list(
    slack: SimulatedSlack, web: WebClient
) -> None:
    card = web.chat_postMessage(channel=CHANNEL, text="card", blocks=[section("block")])["ts"]

    web.chat_update(channel=CHANNEL, ts=card, text="changed")
    assert slack.messages(CHANNEL)[0].said == "block"
    web.chat_update(channel=CHANNEL, ts=card, text="changed", blocks=[])
    assert slack.messages(CHANNEL)[0].said == "changed"


def test_bot_changes_and_deletes_only_its_own_messages(slack: SimulatedSlack, web: WebClient) -> None:
    theirs = slack.says("ann", "support-emea", "mine")
    own = web.chat_postMessage(channel=CHANNEL, text="x")["ts"]
    web.chat_delete(channel=CHANNEL, ts=own)

    assert refused(web.chat_update, channel=CHANNEL, ts=theirs.ts, text="x")["error"] == "cant_update_message"
    assert refused(web.chat_delete, channel=CHANNEL, ts=theirs.ts)["error"] == "cant_delete_message"
    assert slack.messages(CHANNEL) == [theirs]


def test_ephemeral_message_is_seen_by_one_member(slack: SimulatedSlack, web: WebClient) -> None:
    stranger = slack.add_user("stranger")
    web.chat_postEphemeral(channel=CHANNEL, user="U0ANN", text="psst")

    assert [m.said for m in slack.ephemerals("ann")] == ["psst"]
    assert slack.messages(CHANNEL) == []
    outside = refused(web.chat_postEphemeral, channel=CHANNEL, user=stranger, text="x")
    assert outside["error"] == "user_not_in_channel"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({}, "no_text"),
        ({"blocks": [section("")]}, "invalid_blocks"),
        ({"blocks": [section("x")] * 51}, "invalid_blocks"),
        ({"blocks": [section("x" * 2900)] * 5}, "msg_blocks_too_long"),
    ],
)
def test_faulty_message_is_refused(web: WebClient, content: dict[str, Any], error: str) -> None:
    assert (
        refused(web.api_call, api_method="chat.postMessage", json={"channel": CHANNEL, **content})["error"]
        == error
    )


def test_refusal_of_blocks_names_every_fault(web: WebClient) -> None:
    blocks = [section("x" * 3001), section("")]

    answer = refused(web.chat_postMessage, channel=CHANNEL, text="x", blocks=blocks)

    assert len(answer["response_metadata"]["messages"]) == 2


def test_text_is_cut_at_forty_thousand(slack: SimulatedSlack, web: WebClient) -> None:
    web.chat_postMessage(channel=CHANNEL, text="x" * 40_001)

    assert len(slack.messages(CHANNEL)[0].text) == 40_000


def test_posts_come_from_a_bucket_for_each_channel(web: WebClient, slack: SimulatedSlack) -> None:
    slack.posts_per_second, slack.post_burst = 0.5, 2
    other = slack.add_channel("other")
    for _ in range(2):
        web.chat_postMessage(channel=CHANNEL, text="x")

    with pytest.raises(SlackApiError, match="ratelimited") as caught:
        web.chat_postMessage(channel=CHANNEL, text="x")
    answer = caught.value.response
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2")
    assert web.chat_postMessage(channel=other, text="x")["ok"]


def test_fault_on_the_wire_looks_like_slack(slack: SimulatedSlack, web: WebClient) -> None:
    slack.fault("POST /api/chat.postMessage", "429", retry_after=7)
    with pytest.raises(SlackApiError, match="ratelimited") as caught:
        web.chat_postMessage(channel=CHANNEL, text="x")
    assert caught.value.response.headers["Retry-After"] == "7"

    slack.fault("POST /api/chat.postMessage", "lost_after")
    with pytest.raises(OSError, match="Remote end closed"):
        web.chat_postMessage(channel=CHANNEL, text="stored all the same")
    assert [m.said for m in slack.messages(CHANNEL)] == ["stored all the same"]


# -- views


def test_unknown_trigger_opens_nothing(web: WebClient, slack: SimulatedSlack) -> None:
    assert refused(web.views_open, trigger_id="1.2.x", view=modal())["error"] == "invalid_trigger_id"
    assert slack.open_view("ann") is None


def test_faulty_view_is_refused_and_leaves_its_trigger_good(slack: SimulatedSlack, web: WebClient) -> None:
    trigger = slack.new_trigger("U0ANN")

    answer = refused(web.views_open, trigger_id=trigger, view=modal("x" * 3001))
    assert answer["error"] == "invalid_arguments"
    assert "at most 3000" in answer["response_metadata"]["messages"][0]
    assert "views.open: invalid_arguments" in slack.complaints[0]
    assert (
        refused(web.views_open, trigger_id=trigger, view=modal("x", type="home"))["error"]
        == "invalid_arguments"
    )
    huge = modal("x", private_metadata="x" * 260_000)
    assert refused(web.views_open, trigger_id=trigger, view=huge)["error"] == "view_too_large"
    assert web.views_open(trigger_id=trigger, view=modal())["ok"]


def test_third_push_is_one_too_many(slack: SimulatedSlack, web: WebClient) -> None:
    view = web.views_open(trigger_id=slack.new_trigger("U0ANN"), view=modal("1"))["view"]

    def push(text: str) -> Any:
        return web.views_push(trigger_id=slack.new_trigger("U0ANN", view["id"]), view=modal(text))["view"]

    pushed = [push("2"), push("3")]

    assert [each["previous_view_id"] for each in pushed] == [view["id"], pushed[0]["id"]]
    assert refused(push, text="4")["error"] == "push_limit_reached"
    outside = refused(web.views_push, trigger_id=slack.new_trigger("U0ANN"), view=modal())
    assert outside["error"] == "invalid_trigger_id"


def test_update_with_an_old_hash_is_refused(slack: SimulatedSlack, web: WebClient) -> None:
    view = web.views_open(trigger_id=slack.new_trigger("U0ANN"), view=modal("1"))["view"]
    changed = web.views_update(view_id=view["id"], hash=view["hash"], view=modal("2"))["view"]

    assert (
        refused(web.views_update, view_id=view["id"], hash=view["hash"], view=modal())["error"]
        == "hash_conflict"
    )
    web.views_update(view_id=view["id"], hash=changed["hash"], view=modal("3"))
    assert slack.open_view("ann").text == "3"


def test_closed_view_is_not_found(slack: SimulatedSlack, web: WebClient) -> None:
    view = web.views_open(trigger_id=slack.new_trigger("U0ANN"), view=modal())["view"]
    slack.close("ann")

    assert refused(web.views_update, view_id=view["id"], view=modal())["error"] == "not_found"


def test_home_tab_is_published_where_it_is_switched_on(slack: SimulatedSlack, web: WebClient) -> None:
    home = {"type": "home", "blocks": [section("Welcome")]}
    first = web.views_publish(user_id="U0ANN", view=home)["view"]
    web.views_publish(user_id="U0ANN", view=home, hash=first["hash"])

    assert slack.home("ann").text == "Welcome"
    assert (
        refused(web.views_publish, user_id="U0ANN", view=home, hash=first["hash"])["error"] == "hash_conflict"
    )
    assert refused(web.views_publish, user_id="U0ANN", view=modal())["error"] == "invalid_arguments"
    slack.home_tab = False
    assert refused(web.views_publish, user_id="U0ANN", view=home)["error"] == "not_enabled"


def test_what_the_workspace_holds_survives_an_outage(slack: SimulatedSlack, web: WebClient) -> None:
    web.chat_postMessage(channel=CHANNEL, text="before")
    slack.stop()
    with pytest.raises(OSError, match="refused"):
        web.chat_postMessage(channel=CHANNEL, text="during")
    slack.start()
    web.chat_postMessage(channel=CHANNEL, text="after")

    assert [m.said for m in slack.messages(CHANNEL)] == ["before", "after"]


# -- reading


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("*bold* _it_ ~no~ 2*3*4 snake_case_name", "bold it no 2*3*4 snake_case_name"),
        ("<https://x.test|here> <https://y.test> <mailto:a@b.c|a@b.c>", "here https://y.test a@b.c"),
        (
            "<@U0ANN> <#C0SUPPORT> <!subteam^S0LEADS> <!channel> <@U0X|x>",
            "@ann #support-emea @leads @channel @x",
        ),
        ("&lt;b&gt; &amp;amp; `*raw*`", "<b> &amp; *raw*"),
        ("<!date^1700000000^{date}|14 Nov>", "14 Nov"),
    ],
)
def test_markup_is_read_as_a_person_would(
    slack: SimulatedSlack, web: WebClient, text: str, read: str
) -> None:
    web.chat_postMessage(channel=CHANNEL, text=text)

    assert slack.messages(CHANNEL)[0].said == read


def test_every_kind_of_block_can_be_read(slack: SimulatedSlack, web: WebClient) -> None:
    select = {
        "type": "static_select",
        "placeholder": plain("Team"),
        "options": [{"text": plain("A"), "value": "a"}],
    }
    blocks = [
        {"type": "divider"},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*s*"}},
        {"type": "section", "text": plain("*as typed*"), "accessory": select},
        {"type": "context", "elements": [plain("c")]},
    ]
    web.chat_postMessage(channel=CHANNEL, text="fallback", blocks=blocks)

    words = slack.messages(CHANNEL)[0].said.split()
    assert " ".join(words) == "s *as typed* [Team] c"


def test_timestamps_grow_even_when_the_clock_stands_still() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    slack = SimulatedSlack.demo(now=lambda: moment)

    stamps = [slack.next_ts() for _ in range(3)]

    assert stamps == sorted(set(stamps), key=float)
    assert stamps[0].startswith("1767225600.")
