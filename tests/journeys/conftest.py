"""Every journey is made on both of Genesys' contracts, where it does not say otherwise."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.models import Receipt
from bot.sandbox.sandbox import Sandbox


@pytest.fixture(params=["platform", "events"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def sent_by_operator() -> Callable[[Sandbox], Receipt]:
    """Send into the demo's chat in Ann's name, as `canned send` does; what came of it."""

    def send(sandbox: Sandbox) -> Receipt:
        desk = sandbox.bot.parts.desk
        request = desk.start_request(
            sandbox.slack.ann,
            sandbox.slack.channel,
            conversation=sandbox.conversation,
            response="escalation",
            values={},
            click="operator:1",
            by_operator=True,
        )
        receipt = desk.deliver(desk.claim(request))
        sandbox.drain()
        return receipt

    return send
