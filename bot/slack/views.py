"""The window's own business: what is searched in it, and what happens when it is submitted."""

from __future__ import annotations

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.canned.desk import Desk

from . import form, modal, windows
from .blocks import Json


def register(app: App) -> None:
    app.options(modal.RESPONSE)(response_searched)
    app.view(modal.SEND)(send_submitted)
    app.view(modal.SEND_AGAIN)(send_again_submitted)


def response_searched(ack: Ack, body: Json, payload: Json, desk: Desk) -> None:
    filled = form.read(body["view"])
    queue = filled.looked.seen["queue"] if filled.looked else ""
    found = desk.offered(body["user"]["id"], filled.team, payload.get("value") or "", queue=queue)
    ack(options=modal.choices(found))


def send_submitted(ack: Ack, body: Json, view: Json, client: WebClient, desk: Desk) -> None:
    filled = form.read_submission(view)
    request = desk.start_request(
        body["user"]["id"],
        filled.channel,
        conversation=filled.conversation,
        response=filled.response or "",
        values=filled.values,
        text=filled.text,
        team=filled.team,
        version=filled.version,
        language=filled.language,
        spoken=filled.looked.spoken if filled.looked else None,
        seen=filled.looked.seen if filled.looked else None,
        at=filled.at,
        corrects=filled.corrects or None,
        click=f"view:{view['id']}",
    )
    receipt = desk.claim(request, asked_in=view["id"])
    ack(response_action="update", view=modal.working(receipt.request))
    desk.deliver_soon(receipt, then=windows.outcome_in(client, desk, view["id"]))


def send_again_submitted(ack: Ack, body: Json, view: Json, client: WebClient, desk: Desk) -> None:
    draft, kind = modal.draft_of(view)
    request = desk.answer(draft, body["user"]["id"], view["id"], kind=kind)
    receipt = desk.claim(request, asked_in=view["id"])
    ack(response_action="update", view=modal.working(receipt.request))
    desk.deliver_soon(receipt, then=windows.outcome_in(client, desk, view["id"]))
