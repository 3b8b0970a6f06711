"""What somebody with the whole database in their hands can do to the record, and how it is found."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from typing import Any

import pytest
from cryptography.fernet import Fernet

from bot.models import Gate, Link, Outcome, PostKind, State
from bot.settings import Secret
from bot.storage import DatabaseDown, StorageError, Store, Wanted
from bot.storage.chain import Keys

KEY, OTHER = (Secret(Fernet.generate_key().decode()) for _ in range(2))
HEAD = "records, last_id, mac, key_id, seal"
LINK = "slack_user, genesys_user, source, linked_at, name, email"
TAMPERINGS = [
    ("UPDATE audit SET at = '2020-01-01 12:00:00' WHERE id = 5", "Record 5 (2020-01-01"),
    ("UPDATE audit SET key = 'key-1' WHERE id = 5", "Record 5 ("),
    ("UPDATE audit SET key = NULL WHERE id = 5", "Record 5 ("),
    ("UPDATE audit SET event = 'settled' WHERE id = 5", "Record 5 ("),
    ("UPDATE audit SET actor = 'U0BOB' WHERE id = 1", "Record 1 ("),
    ("UPDATE audit SET actor = 'U0BOB' WHERE id = 9", "Record 9 ("),
    ("""UPDATE audit SET detail = '{"state": "sent"}' WHERE id = 6""", "Record 6 ("),
    ("UPDATE audit SET mac = 'ff' WHERE id = 5", "Record 5 ("),
    ("UPDATE audit SET mac = NULL WHERE id = 5", "Record 5 ("),
    ("UPDATE audit SET key_id = '' WHERE id = 5", "Record 5 ("),
    ("UPDATE audit SET key_id = NULL WHERE id = 1", "Record 1 ("),
    ("UPDATE audit SET key_id = 'mine' WHERE id = 5", "What the key mine chained"),
    ("UPDATE audit SET id = 50 WHERE id = 5", "Record 5 is removed before record 6 ("),
    ("DELETE FROM audit WHERE id = 1", "Record 1 is removed before record 2 ("),
    ("DELETE FROM audit WHERE id IN (4, 5)", "Records 4 to 5 are removed before record 6 ("),
    ("DELETE FROM audit WHERE id > 7", "Records 8 to 9 are cut off"),
    ("DELETE FROM audit", "Records 1 to 9 are cut off"),
    ("DELETE FROM audit_head", "The head is missing"),
    ("UPDATE audit_head SET last_id = 8", "Record 9 is behind the head"),
    ("UPDATE audit_head SET records = 8", "The head was changed"),
    ("UPDATE audit_head SET mac = 'ff'", "The head ends in another record 9"),
    ("UPDATE audit_head SET seal = 'ff'", "The head was changed"),
    ("UPDATE audit_head SET key_id = ''", "The head is sealed without a key"),
    ("UPDATE audit_head SET key_id = 'mine'", "What the key mine chained"),
    ("UPDATE sends SET state = 'sent' WHERE key = 'key-2'", "Send key-2 has the state sent, and record 6"),
    ("UPDATE sends SET text_hash = 'ff' WHERE key = 'key-1'", "Send key-1 has the text_hash ff"),
    ("UPDATE sends SET response = 'hello' WHERE key = 'key-3'", "Send key-3 has the response hello"),
    ("UPDATE sends SET supervisor = 'U0BOB' WHERE key = 'key-3'", "Send key-3 has the supervisor U0BOB"),
    ("UPDATE sends SET message_id = NULL WHERE key = 'key-1'", "Send key-1 has the message_id None"),
    ("UPDATE sends SET opened_by = 'U0BOB' WHERE key = 'key-1'", "Send key-1 has the opened_by U0BOB"),
    ("DELETE FROM sends WHERE key = 'key-1'", "Send key-1 is gone, which record 1 says was claimed"),
    ("UPDATE sends SET key = 'mine' WHERE key = 'key-1'", "Send mine is there, and no record"),
    ("UPDATE texts SET final = 'Goodbye' WHERE key = 'key-1'", "The text that is kept of send key-1 has"),
    (f"INSERT INTO links ({LINK}) SELECT 'U0EVE', 'g9', 'connect', linked_at, '', '' FROM links", "U0EVE"),
    ("UPDATE links SET genesys_user = 'g2'", "(g2, operator), and record 7 says g1, operator"),
    ("DELETE FROM links", "The link of U0ANN is gone, which record 7 says was made"),
    ("INSERT INTO pauses (team, since, actor) VALUES ('', '2026-03-01', 'x')", "The pause of every team is"),
]

# What the columns of one engine take and the other one refuses.
ODD = {
    "sqlite": [
        ("UPDATE audit SET at = 5 WHERE id = 5", "Record 5 (5"),
        ("UPDATE audit SET at = x'ff' WHERE id = 5", "Record 5 ("),
        ("UPDATE audit SET at = replace(at, ' ', 'T') WHERE id = 5", "Record 5 (2026-03-01T"),
        ("UPDATE audit SET key = x'ff' WHERE id = 5", "Record 5 ("),
        ("UPDATE audit SET actor = CAST(x'ff' AS TEXT) WHERE id = 5", "Record 5 ("),
        ("UPDATE audit SET mac = CAST(x'ff' AS TEXT) WHERE id = 9", "Record 9 ("),
        ("UPDATE audit SET detail = 5 WHERE id = 5", "Record 5 ("),
        ("UPDATE audit SET detail = x'ff' WHERE id = 5", "Record 5 ("),
        ("UPDATE audit SET detail = CAST(detail AS BLOB) WHERE id = 5", "Record 5 ("),
        ("UPDATE audit_head SET records = 'many'", "The head was changed"),
        ("UPDATE audit_head SET last_id = 'many'", "The head was changed"),
        ("UPDATE audit_head SET mac = CAST(x'ff' AS TEXT)", "The head was changed"),
        ("UPDATE sends SET state = CAST(x'ff' AS TEXT) WHERE key = 'key-1'", "Send key-1 has the state"),
        ("UPDATE sends SET key = x'ff' WHERE key = 'key-1'", "Send b'\\xff' is there, and no record"),
        ("UPDATE texts SET final = CAST(x'ff' AS TEXT) WHERE key = 'key-1'", "The text that is kept of"),
        ("UPDATE texts SET final = 5 WHERE key = 'key-1'", "The text that is kept of send key-1"),
        ("UPDATE links SET source = x'ff'", "The link of U0ANN is there"),
    ],
    "postgresql": [
        ("UPDATE audit SET at = 'infinity' WHERE id = 5", "Record 5 ("),
        ("UPDATE audit SET at = at - interval '4000 years' WHERE id = 5", "Record 5 ("),
    ],
}
DEEP = (f"UPDATE audit SET detail = '{'[' * 3000}{']' * 3000}' WHERE id = 5", "Record 5 (")


@pytest.fixture
def store(open_store: Callable[..., Store]) -> Store:
    return open_store(keys=[KEY])


@pytest.fixture
def history(store: Store, claim: Callable[..., str], clock: Any) -> Callable[[], None]:
    """Records 1 to 3 are a send that was sent, 4 to 6 one that is unknown, 7 a link, 8 and 9 one refused."""

    def make() -> None:
        for key, outcome in (
            (claim(), Outcome(State.SENT, message_id="m1", correlation_id="x1")),
            (claim(), Outcome(State.UNKNOWN, reason="No answer.")),
        ):
            clock.advance(1)
            store.begin(key, "Hello", sender_id="g1", version="v1")
            store.settle(key, outcome, was=[State.SENDING], posts=[PostKind.REPLY])
        store.save_link(Link("U0ANN", "g1", "operator", clock()))
        refused = claim()
        clock.advance(1)
        store.settle(refused, Outcome(State.REFUSED, reason="No."), was=[State.PENDING])

    return make


@pytest.fixture
def attack(sql: Callable[..., list[Any]], database_url: str) -> Callable[..., list[Any]]:
    """Write into the database as its owner can: past the triggers, past the foreign keys."""
    if database_url.startswith("sqlite"):
        disarmed = ["DROP TRIGGER IF EXISTS audit_no_update", "DROP TRIGGER IF EXISTS audit_no_delete"]
    else:
        disarmed = ["SET session_replication_role = replica"]
    return lambda *statements: sql(*disarmed, *statements)


def wrong(store: Store, **options: Any) -> list[str]:
    found: list[str] = []
    store.verify(found.append, **options)
    return found


def test_record_as_it_was_written_is_whole(store: Store, history: Callable[[], None]) -> None:
    assert wrong(store) == []
    history()

    found: list[str] = []
    verdict = store.verify(found.append)
    last = store.audit()[-1]
    assert found == []
    assert (verdict.records, verdict.loose, verdict.head) == (9, 0, f"9:{last.mac}")
    assert [record.id for record in store.audit()] == list(range(1, 10))


def test_tampering_is_found_and_the_record_named(
    store: Store, history: Callable[[], None], attack: Callable[..., Any]
) -> None:
    history()
    tables = ("audit", "audit_head", "sends", "texts", "links", "pauses")
    attack(*(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}" for table in tables))
    missed, unused = {}, ProcessPoolExecutor(1)
    for tampering, named in (*TAMPERINGS, *ODD[store._dialect], DEEP):
        attack(tampering)
        found = wrong(store, beside=unused)
        if not any(named in sentence for sentence in found):
            missed[tampering] = found
        undo = [
            (f"DELETE FROM {table}", f"INSERT INTO {table} SELECT * FROM kept_{table}") for table in tables
        ]
        attack(*(each for pair in undo for each in pair))
    attack(*(f"DROP TABLE kept_{table}" for table in tables))

    assert missed == {}
    assert wrong(store) == []


def test_long_record_is_compared_with_the_sends_in_another_process(
    store: Store, history: Callable[[], None], attack: Callable[..., Any]
) -> None:
    history()
    attack("UPDATE audit_head SET records = 1000000", "UPDATE sends SET state = 'sent' WHERE key = 'key-2'")
    with ProcessPoolExecutor(1, get_context("spawn")) as beside:
        found = wrong(store, beside=beside)
        started = len(beside._processes)

    assert started == 1
    assert found == wrong(store)
    assert found[-1].startswith("Send key-2 has the state sent, and record 6")


def test_what_another_process_could_not_finish_is_compared_in_this_one(
    store: Store, history: Callable[[], None], attack: Callable[..., Any]
) -> None:
    history()
    attack("UPDATE audit_head SET records = 1000000", "UPDATE sends SET state = 'sent' WHERE key = 'key-2'")
    with ProcessPoolExecutor(1, get_context("spawn")) as beside:

        def along(rows: Any) -> Any:
            [process] = beside._processes
            os.kill(process, signal.SIGKILL)
            return rows

        assert wrong(store, beside=beside, along=along) == wrong(store)


def test_whoever_answered_for_a_send_is_compared_with_the_record(
    store: Store, claim: Callable[..., str], attack: Callable[..., Any], clock: Any
) -> None:
    approved, unknown = claim(gate=Gate.APPROVAL), claim()
    until = clock() + timedelta(minutes=5)
    store.settle(approved, Outcome(State.PENDING, reason="It waits."), was=[State.PENDING])
    store.ask_approval(
        approved, "Hello", gate=Gate.APPROVAL, group="S0LEADS", sender_id="g1", until=until, reason=""
    )
    store.approve(approved, by="U0LEE", reason="")
    store.begin(unknown, "Hello", sender_id="g1")
    store.settle(unknown, Outcome(State.UNKNOWN), was=[State.SENDING])
    store.mark(unknown, State.UNSENT, by="U0ANN", reason="", posts=())
    assert wrong(store) == []

    for key, column in ((approved, "approved_by"), (approved, "opened_by"), (unknown, "handled_by")):
        attack(f"UPDATE sends SET {column} = 'U0BOB' WHERE key = '{key}'")
        assert any(f"Send {key} has the {column} U0BOB" in sentence for sentence in wrong(store)), column


def test_pauses_and_links_as_they_were_left_are_whole_and_one_that_was_lifted_by_hand_is_named(
    store: Store, attack: Callable[..., Any], clock: Any
) -> None:
    for genesys_user in ("g1", "g2"):
        store.save_link(Link("U0ANN", genesys_user, "email", clock()))
        store.unlink("U0ANN")
    store.save_link(Link("U0ANN", "g1", "connect", clock()))
    store.save_link(Link("U0ANN", "g1", "operator", clock()))
    store.pause(actor="operator")
    store.pause("Support", channel="C0TEAM", actor="operator")
    store.resume(actor="operator")
    assert wrong(store) == []

    attack("DELETE FROM pauses")
    assert wrong(store) == ["The pause of Support is gone, which record 8 says was made."]


def test_an_edited_record_alone_is_named(
    store: Store, history: Callable[[], None], attack: Callable[..., Any]
) -> None:
    history()
    attack("UPDATE audit SET actor = 'U0BOB' WHERE id = 7")

    [found] = wrong(store)
    assert found.startswith("Record 7 (2026-03-01 12:00:02")


def test_swapped_records_are_named(
    store: Store, history: Callable[[], None], attack: Callable[..., Any]
) -> None:
    history()
    attack(*(f"UPDATE audit SET id = {to} WHERE id = {at}" for at, to in ((2, 50), (5, 2), (50, 5))))

    found = wrong(store)
    assert {"Record 2", "Record 5"} <= {sentence.partition(" (")[0] for sentence in found}


def test_what_cannot_be_read_is_named_and_shown_on_one_line(
    store: Store, history: Callable[[], None], attack: Callable[..., Any], database_url: str
) -> None:
    history()
    attack("UPDATE audit SET event = 'a\nb' WHERE id = 3")
    if database_url.startswith("sqlite"):  # the other one refuses to write it
        attack("UPDATE audit SET detail = 'no', at = 'never' WHERE id = 3")

    assert any(sentence.startswith("Record 3 (") for sentence in wrong(store))
    assert not any("\n" in sentence for sentence in wrong(store))


def test_record_that_cannot_be_read_is_no_bug_of_whoever_reads_it(
    store: Store, history: Callable[[], None], attack: Callable[..., Any]
) -> None:
    history()
    odd = {"sqlite": "5", "postgresql": "'infinity'"}[store._dialect]
    attack(f"UPDATE audit SET at = {odd} WHERE id = 5")

    with pytest.raises(StorageError, match="`canned audit verify` names it"):
        list(store.trail(Wanted()))


def test_older_head_over_a_cut_record_is_found_by_the_sends_and_by_a_published_head(
    store: Store, history: Callable[[], None], claim: Callable[..., str], attack: Callable[..., Any]
) -> None:
    history()
    [older] = attack(f"SELECT {HEAD} FROM audit_head")
    claim()
    published = store.verify(lambda _: None).head
    back = ", ".join(f"{name} = '{value}'" for name, value in older._mapping.items())
    attack("DELETE FROM audit WHERE id > 9", f"UPDATE audit_head SET {back}")

    assert wrong(store) == ["Send key-4 is there, and no record of who claimed it."]
    attack("DELETE FROM texts WHERE key = 'key-4'", "DELETE FROM sends WHERE key = 'key-4'")
    assert wrong(store) == []  # the database alone cannot tell any more
    [found] = wrong(store, published=published)
    assert published in found
    assert wrong(store, published=f"9:{older.mac}") == []


@pytest.mark.parametrize("secrets", [[], [OTHER]], ids=["without a key", "with a key of their own"])
def test_record_put_in_or_written_anew_without_the_key_is_found(
    store: Store, history: Callable[[], None], attack: Callable[..., Any], secrets: list[Secret]
) -> None:
    history()
    [head] = attack("SELECT mac FROM audit_head")
    forger, lines = Keys(secrets), store.audit()
    made = f"'2026-03-01 12:00:03', 'forged', 'U0BOB', '{{}}', '{'a' * 64}', '{forger.first}'"
    attack(f"INSERT INTO audit (id, at, event, actor, detail, mac, key_id) VALUES (10, {made})")
    assert any("10" in sentence for sentence in wrong(store)[:1])
    attack("DELETE FROM audit WHERE id = 10")
    assert wrong(store) == []

    mac = ""
    for line in lines:
        mac = forger.record(forger.first, mac, line.id, line.__dict__)
        attack(f"UPDATE audit SET mac = '{mac}', key_id = '{forger.first}' WHERE id = {line.id}")
    end = {"records": 9, "last_id": 9, "mac": mac, "key_id": forger.first}
    seal = forger.seal(end)
    attack(f"UPDATE audit_head SET mac = '{mac}', key_id = '{forger.first}', seal = '{seal}'")

    found: list[str] = []
    verdict = store.verify(found.append)
    assert mac != head.mac
    assert verdict.loose == 9 or any(f"What the key {forger.first} chained" in each for each in found)


def test_all_macs_taken_out_leave_a_record_that_counts_as_loose(
    store: Store, history: Callable[[], None], attack: Callable[..., Any]
) -> None:
    history()
    attack("UPDATE audit SET mac = NULL, key_id = NULL", "DELETE FROM audit_head")

    assert store.verify(lambda _: None).loose == 9


def test_a_record_that_names_a_key_and_has_no_mac_counts_as_loose(
    store: Store, history: Callable[[], None], attack: Callable[..., Any]
) -> None:
    history()
    made = "'2026-03-01 12:00:00', 'forged', 'U0BOB', '{}', 'mine'"
    attack(f"INSERT INTO audit (id, at, event, actor, detail, key_id) VALUES (0, {made})")
    verdict = store.verify(lambda _: None)
    assert (verdict.loose, verdict.loosest[:10]) == (1, "record 0 (")

    attack("DELETE FROM audit WHERE id = 0", "DELETE FROM audit_head")
    attack("UPDATE audit SET mac = NULL", "UPDATE audit SET actor = 'U0BOB' WHERE id = 1")
    assert store.verify(lambda _: None).loose == 9


def test_bot_goes_on_after_the_head_was_taken_away_and_that_stays_to_be_seen(
    store: Store, history: Callable[[], None], claim: Callable[..., str], attack: Callable[..., Any]
) -> None:
    history()
    attack("DELETE FROM audit_head")
    claim()

    [found] = wrong(store)
    assert found.startswith("Record 10 (")
    assert "begins the chain anew" in found


def test_nothing_is_taken_on_while_the_head_is_an_older_one(
    store: Store, history: Callable[[], None], claim: Callable[..., str], attack: Callable[..., Any]
) -> None:
    history()
    attack("UPDATE audit_head SET last_id = 5")

    with pytest.raises(DatabaseDown, match="canned audit verify"):
        claim(key="new")
    assert store.find("new") is None


def test_key_is_changed_and_the_retired_one_still_verifies(
    store: Store, history: Callable[[], None], open_store: Callable[..., Store], claim: Callable[..., str]
) -> None:
    history()
    rotated = open_store(keys=[OTHER, KEY])
    claim(into=rotated)

    assert wrong(rotated) == wrong(store, published=None)[:0]
    assert rotated.audit()[-1].key_id == Keys([OTHER]).first
    [found] = wrong(open_store(keys=[OTHER]))
    assert f"What the key {Keys([KEY]).first} chained cannot be verified (9 records)" in found


def test_nobody_without_the_key_goes_on_with_a_record_that_has_one(
    store: Store, open_store: Callable[..., Store], claim: Callable[..., str]
) -> None:
    plain, other = open_store(), open_store(keys=[OTHER])
    assert plain.has_its_key()
    claim(into=plain)
    claim(into=store)
    assert [each.has_its_key() for each in (store, plain, other)] == [True, False, False]

    with pytest.raises(DatabaseDown, match="CANNED_SECRET_KEY"):
        plain.pause(actor="operator")
    assert plain.pauses() == []
    assert wrong(store) == []
    claim(into=other)
    assert other.has_its_key()


def test_records_from_before_there_was_a_key_are_counted_and_one_without_after_it_is_named(
    open_store: Callable[..., Store], claim: Callable[..., str], attack: Callable[..., Any]
) -> None:
    plain, keyed = open_store(), open_store(keys=[KEY])
    claim(into=plain)
    claim(into=keyed)

    verdict = keyed.verify(lambda _: None)
    assert (verdict.loose, verdict.loosest[:10]) == (1, "record 1 (")
    assert wrong(keyed) == []
    attack("UPDATE audit_head SET key_id = ''")
    claim(into=plain)
    assert [found.partition(" (")[0] for found in wrong(keyed)] == [
        "Record 3",
        "The head is sealed without a key, though records are chained with one.",
    ]


def test_records_from_before_there_was_a_chain_are_loose_and_no_fault(
    store: Store, history: Callable[[], None], sql: Callable[..., Any]
) -> None:
    for id_ in (3, 7):
        old = f"({id_}, '2026-01-01 12:00:00', 'linked', 'bot', '{{}}')"
        sql(f"INSERT INTO audit (id, at, event, actor, detail) VALUES {old}")
    history()

    found: list[str] = []
    verdict = store.verify(found.append)
    assert (found, verdict.records, verdict.loose) == ([], 11, 2)
    assert store.audit()[2].id == 8


def test_many_who_write_at_once_leave_one_whole_chain(
    open_store: Callable[..., Store], claim: Callable[..., str], at_once: Callable[..., list[Any]]
) -> None:
    stores = [open_store(f"worker {number}", keys=[KEY], patience=20) for number in range(3)]

    def work(store: Store, number: int) -> None:
        for turn in range(5):
            key = claim(into=store, key=f"{number}-{turn}", conversation_id=f"c{turn}")
            store.begin(key, "Hello", sender_id="g1")
            store.settle(key, Outcome(State.SENT), was=[State.SENDING], posts=[PostKind.REPLY])

    jobs = [lambda store=store, n=n: work(store, n) for n, store in enumerate(stores * 3)]
    looks = [lambda: [wrong(stores[0]) for _ in range(3)]] * 2  # while they write
    assert at_once(*jobs, *looks) == [None] * 9 + [[[], [], []]] * 2

    found: list[str] = []
    assert stores[0].verify(found.append).records == 9 * 5 * 3
    assert found == []


def test_message_id_that_is_learnt_later_is_on_record(store: Store, claim: Callable[..., str]) -> None:
    key = claim()
    store.begin(key, "Hello", sender_id="g1")
    store.settle(key, Outcome(State.SENT, delivery="delivered"), was=[State.SENDING])

    assert not store.delivered(key, "sent", message_id="m1")  # no news
    assert store.audit(key)[-1].detail == {"message_id": "m1"}
    assert wrong(store) == []


def test_purged_texts_leave_the_chain_whole_and_are_on_record(
    store: Store, history: Callable[[], None], clock: Any
) -> None:
    history()
    limit = clock.advance(10)

    assert store.purge(limit, actor="operator") == 3
    assert store.purge(limit) == 0  # nothing gone, nothing to tell
    purged = store.audit()[-1]
    assert (purged.id, purged.event, purged.actor) == (10, "purged", "operator")
    assert purged.detail == {"texts": 3, "before": limit.isoformat()}
    assert wrong(store) == []
