"""The one door to what we remember; what it can do is told in the files it is made of."""

from __future__ import annotations

from .audit import Audit
from .backlog import Backlogs
from .brakes import Brakes
from .chats import Chats
from .connects import Connects
from .deliveries import Deliveries
from .drafts import Drafts
from .gates import Gates
from .grants import Grants
from .identities import Identities
from .libraries import LibraryResponses
from .outbox import Outbox
from .posted import PostedReplies
from .purging import Purging
from .sends import Sends
from .unknowns import Unknowns
from .upgrading import Upgrading
from .usage import Usage
from .verifying import Verifying


class Store(
    Sends,
    Outbox,
    Gates,
    Unknowns,
    Brakes,
    Chats,
    Deliveries,
    Identities,
    Grants,
    Connects,
    Drafts,
    LibraryResponses,
    Audit,
    PostedReplies,
    Verifying,
    Usage,
    Backlogs,
    Purging,
    Upgrading,
):
    """
    Safe to use from any thread, and from any number of processes on one database.

    Every method is one short transaction. Any of them raises DatabaseDown.
    """
