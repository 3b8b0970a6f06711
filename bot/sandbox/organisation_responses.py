"""The canned responses that a simulated Genesys Cloud organisation keeps, in libraries."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .organisation_nouns import SimulatedLibrary, SimulatedResponse


class Responses:
    """The part of an Organisation that holds them; each may be changed at any time."""

    def __init__(self, *, new_id: Callable[[], str]) -> None:
        self.new_id = new_id
        self.libraries: dict[str, SimulatedLibrary] = {}
        self.responses: dict[str, SimulatedResponse] = {}

    def add_library(self, name: str) -> str:
        library = SimulatedLibrary(self.new_id(), name)
        self.libraries[library.id] = library
        return library.id

    def add_response(
        self,
        library: str,
        name: str,
        text: str | None,
        *,
        html: str | None = None,
        substitutions: Mapping[str, str | None] | None = None,
        kind: str | None = None,
    ) -> str:
        """
        Put a response into `library`, an id; with `html` it has that text too, or only that.

        `substitutions` gives each name its default value, None for none. `kind` is None for
        a standard response, else MessagingTemplate, Form, Footer, CampaignSmsTemplate …
        """
        it = SimulatedResponse(self.new_id(), name, (library,), text, html, substitutions or {}, kind)
        self.responses[it.id] = it
        return it.id

    def edit_response(self, response: str, text: str) -> None:
        edited = self.responses[response]
        edited.plain, edited.version = text, edited.version + 1
