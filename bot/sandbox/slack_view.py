"""One window or Home tab of the simulated workspace, as its owner sees it."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Any

from . import slack_forms as forms
from .slack_said import Names, blocks_said

Json = dict[str, Any]


@dataclass
class View:
    """
    A modal or Home tab as its owner sees it now.

    `values` is what the inputs hold, as view.state.values; `errors` is what stands below
    them, by label ("" for Slack's own trouble with the whole window).
    """

    id: str
    user: str
    json: Json = field(repr=False)
    hash: str
    names: Names = field(repr=False)
    root_id: str
    previous_id: str | None = None
    values: forms.Values = field(default_factory=dict, repr=False)
    errors: dict[str, str] = field(default_factory=dict)
    found: dict[str, list[forms.Option]] = field(default_factory=dict, repr=False)

    @property
    def blocks(self) -> list[Json]:
        return list(self.json["blocks"])

    @property
    def title(self) -> str:
        return self._label("title")

    @property
    def submit(self) -> str:
        """What stands on the submit button; empty without one."""
        return self._label("submit")

    @property
    def private_metadata(self) -> str:
        return str(self.json.get("private_metadata", ""))

    @property
    def text(self) -> str:
        """Everything that can be read in it, with what the inputs hold."""
        return blocks_said(self.blocks, self.names, self.values)

    @property
    def state(self) -> dict[str, str]:
        """What each input holds, by its label: text as typed, options by their text."""
        return {f.label: forms.held(f, self.values) for f in forms.fields(self.blocks) if f.is_input}

    def picture(self) -> View:
        """It as it stands now; what is done to the view later does not show."""
        return replace(self, values=copy.deepcopy(self.values), errors=dict(self.errors), found={})

    def _label(self, name: str) -> str:
        return str((self.json.get(name) or {}).get("text", ""))
