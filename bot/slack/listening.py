"""
The Bolt app: what every request passes before a handler sees it.

`process_before_response` runs handlers in the server's own thread, so an ack means that
the handler came through; whatever takes time was handed to a lane by then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from slack_bolt import App, BoltContext, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.logger.messages import warning_client_prioritized_and_token_skipped
from slack_sdk import WebClient

from bot.canned.desk import Desk
from bot.settings import SlackSettings

from . import register
from .workspace import Workspace

log = logging.getLogger(__name__)


def build(settings: SlackSettings, workspace: Workspace, desk: Desk) -> App:
    """
    The app with all listeners; nothing is asked of Slack, which knew the token a moment ago.

    It has its token from `authorize` alone: with SLACK_CLIENT_ID and SLACK_CLIENT_SECRET in
    the environment Bolt would else look for the installations of an OAuth app.
    """
    window = workspace.window_client
    logging.getLogger("slack_bolt.App").addFilter(_is_news)

    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=window.token)

    app = App(
        client=WebClient(None, window.base_url, window.timeout, window.ssl, retry_handlers=[]),
        authorize=authorize,
        signing_secret=settings.signing_secret.reveal(),
        process_before_response=True,
        raise_error_for_unhandled_request=False,
    )

    @app.middleware
    def own_workspace_only(context: BoltContext, next: Callable[[], None]) -> BoltResponse | None:
        if workspace.id not in (context.enterprise_id, context.team_id):
            log.warning("refused a request of another workspace")
            return BoltResponse(status=200, body="This bot does not serve this workspace.")
        context["desk"] = desk
        context["homes"] = workspace.homes
        next()
        return None

    register(app)
    return app


def _is_news(record: logging.LogRecord) -> bool:
    """Bolt looks for SLACK_BOT_TOKEN itself, and would say that the one in the environment is unused."""
    return record.msg != warning_client_prioritized_and_token_skipped()
