"""Several processes over one PostgreSQL: what one keeps the others know, and what one leaves."""

from __future__ import annotations

import asyncio
import itertools
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from citewise import Assistant
from citewise.chat_options import options_of
from citewise.errors import IndexFault, InputError
from citewise.settings import current
from citewise.settings_table import ChatSettings, Settings
from citewise.ui import build_app, strings
from citewise.ui.local_state import LocalState
from citewise.ui.logs import start_log
from citewise.ui.options import Options, realm_of
from citewise.ui.postgres import PostgresState
from citewise.ui.postgres.database import ChatDatabase
from citewise.ui.rates import RateLimit
from citewise.ui.selection import Selection
from citewise.ui.state import open_state, shared_address
from citewise.ui.tokens import new_token
from citewise.ui.visitor_assistant import VisitorAssistant
from doubles import HashEmbedder
from stores import PostgresServer, postgres  # noqa: F401 - a fixture
from test_chat_records import ANSWERED
from test_visitors import RECIPE, SECRET, SlowEmbedder, bring, names, ready, until

# A realm is to a test what a database would be, and is made in no time.
_REALMS = itertools.count()


class Processes:
    """Chats that share a database, each with its own assistant over one folder of documents."""

    def __init__(self, folder: Path, address: str) -> None:
        self.address = address
        self._folder = folder
        self._realm = f"test{next(_REALMS)}"
        self._held: list[Any] = []
        (folder / "corpus").mkdir()
        (folder / "corpus" / "ships.txt").write_text("The ship Aurora carries 300 containers.\n")
        # A chat never changes what a store holds that others share.
        with self.assistant() as assistant:
            assistant.update()

    def open(
        self, embedder: HashEmbedder | None = None, *, workers: int = 2, **changes: Any
    ) -> PostgresState:
        options = replace(
            Options(self._folder / "data", state=self.address, realm=self._realm), **changes
        )
        state = PostgresState(options, self.assistant(embedder), workers)
        state.visitors.start_sweeping()
        self._held.append(state)
        return state

    def assistant(self, embedder: HashEmbedder | None = None) -> Assistant:
        return Assistant(
            self._folder / "corpus",
            store=self.address,
            llm="none",
            embedder=embedder or HashEmbedder(),
            quiet=True,
        )

    def close(self) -> None:
        for state in self._held:
            state.close()


@pytest.fixture(scope="module")
def database(postgres: PostgresServer) -> str:  # noqa: F811
    postgres.execute("CREATE DATABASE chats")
    return postgres.address("chats")


@pytest.fixture
def processes(tmp_path: Path, database: str) -> Iterator[Processes]:
    made = Processes(tmp_path, database)
    yield made
    made.close()


# --- what one keeps, the others know ----------------------------------------------------------


def test_an_answer_kept_by_one_is_rated_and_deleted_at_another(processes: Processes) -> None:
    one, other = processes.open(), processes.open()
    one.records.add("a", "me", ANSWERED)
    assert other.records.rate("me", "a", -1, "too short")
    assert [(k.thumb, k.reason) for k in one.records.of_visitor("me")] == [(-1, "too short")]
    assert other.records.delete("me") == 1
    assert one.records.count("me") == 0


def test_a_cookie_made_by_one_is_known_to_all(processes: Processes) -> None:
    one, other = processes.open(), processes.open()
    assert one.instance == other.instance


def test_who_logs_in_at_one_is_let_in_at_all(processes: Processes) -> None:
    one, other = (processes.open().owner("correct horse") for _ in range(2))
    token = one.log_in("correct horse")
    assert token is not None and other.knows(token)
    other.log_out(token)
    assert not one.knows(token)


def test_a_login_ends_with_the_password_it_was_made_with(processes: Processes) -> None:
    state = processes.open()
    token = state.owner("correct horse").log_in("correct horse")
    assert token is not None and state.owner("correct horse").knows(token)
    assert not state.owner("another").knows(token)


def test_wrong_tries_at_all_count_together(processes: Processes) -> None:
    gates = [processes.open().owner("correct horse") for _ in range(2)]
    for number in range(5):
        assert gates[number % 2].log_in("wrong") is None
    assert all(0.5 < gate.wait() <= 1 for gate in gates)


def test_a_try_waits_for_one_that_is_just_being_looked_at(processes: Processes) -> None:
    state = processes.open()
    gate, database = state.owner("correct horse"), state._database
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as link:  # a wrong one, at another process
            link.execute(
                "UPDATE citewise_chat.chats SET wait_until = clock_timestamp() + interval '1 hour'"
                " WHERE realm = %s",
                (database.realm,),
            )
            trying = pool.submit(gate.log_in, "correct horse")
            time.sleep(0.3)
            assert not trying.done()
        assert trying.result() is None
    assert gate.wait() > 3000


def test_a_document_brought_to_one_is_asked_about_at_another(processes: Processes) -> None:
    one, other, token = processes.open(), processes.open(), new_token()
    upload = ready(one.visitors.get(token), "secret.txt", SECRET)
    there = other.visitors.get(token)
    assert there.uploads == (upload,)
    assert "secret.txt" in names(there, "vault code 7731")
    there.select(Selection("own"))
    assert names(one.visitors.get(token), "vault ship") == {"secret.txt"}
    there.remove(upload.id)
    assert one.visitors.get(token).uploads == ()
    assert "secret.txt" not in names(one.visitors.get(token), "vault code 7731")
    assert "secret.txt" not in names(other.visitors.get(new_token()), "vault code 7731")


@pytest.mark.parametrize("size", [1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5 << 19])
def test_a_file_comes_to_whoever_reads_it_byte_for_byte(processes: Processes, size: int) -> None:
    one, other, token = processes.open(workers=0), processes.open(workers=0), new_token()
    data = bytes(n * n % 251 for n in range(1000)) * (size // 1000 + 1)
    upload = bring(one.visitors.get(token), "data.bin.txt", data[:size])
    visitor = other.visitors.get(token)
    with other.visitors._shared.files.on_disk(visitor.key, upload) as path:
        assert (path.read_bytes() == data[:size], path.suffix) == (True, ".txt")
    assert not path.exists()


def test_two_files_brought_to_two_at_once_are_both_there(processes: Processes) -> None:
    states, token = [processes.open(), processes.open()], new_token()
    files = [(f"note-{n}.txt", f"The number {n} is called word{n}.\n") for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(
            pool.map(
                lambda n: bring(states[n % 2].visitors.get(token), *files[n]), range(len(files))
            )
        )
    until(lambda: not any(u.busy for u in states[0].visitors.get(token).uploads), 30)
    assert {u.state for u in states[0].visitors.get(token).uploads} == {"ready"}
    for state in states:
        known = VisitorAssistant(state.visitors.get(token)).documents()
        assert [info.name for info in known] == [name for name, _ in files] + ["ships.txt"]


def test_the_same_file_brought_to_two_at_once_is_kept_once(processes: Processes) -> None:
    states, token = [processes.open(), processes.open()], new_token()

    def brought(number: int) -> bool:
        try:
            bring(states[number % 2].visitors.get(token), f"copy-{number}.txt", SECRET)
        except InputError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(brought, range(6))) == 1
    assert len(states[0].visitors.get(token).uploads) == 1


def test_questions_at_all_are_counted_together(processes: Processes) -> None:
    one, other = (processes.open().buckets(4) for _ in range(2))
    assert [bucket.take("10.0.0.1") for bucket in (one, other, one, other)] == [0, 0, 0, 0]
    assert 13 < one.take("10.0.0.1") <= 15
    assert 13 < other.take("10.0.0.1") <= 15
    assert other.take("10.0.0.2") == 0


def test_of_many_questions_at_once_no_more_pass_than_may(processes: Processes) -> None:
    buckets = [processes.open().buckets(10) for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda n: buckets[n % 2].take("10.0.0.1"), range(40)))
    assert sum(wait == 0 for wait in waits) == 10


def test_no_address_of_a_client_is_in_the_database(
    processes: Processes,
    postgres: PostgresServer,  # noqa: F811
) -> None:
    processes.open().buckets(4).take("203.0.113.77")
    rows = postgres.execute("SELECT client FROM citewise_chat.rates", processes.address)
    assert rows and all(len(client) == 64 for (client,) in rows)


def test_where_the_count_cannot_be_reached_a_process_counts_for_itself() -> None:
    class Gone:
        def take(self, client: str) -> float:
            raise IndexFault("gone")

    answered: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        answered.append(1)

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answered.append(message["status"])

    limited = RateLimit(app, 2, shared=Gone())
    scope = {"type": "http", "method": "POST", "path": "/api/ask", "client": ("10.0.0.1", 1)}

    def ask() -> None:
        asyncio.run(limited(scope, None, send))  # type: ignore[arg-type]

    with ThreadPoolExecutor(1) as pool:
        for _ in range(3):
            pool.submit(ask).result()
    assert answered == [1, 1, 429]


# --- what one leaves --------------------------------------------------------------------------


def test_what_a_process_that_is_gone_took_in_another_reads(processes: Processes) -> None:
    gone, other, token = processes.open(workers=0), processes.open(), new_token()
    key = bring(gone.visitors.get(token), "secret.txt", SECRET).id
    until(lambda: other.visitors.get(token).upload(key).state == "ready")
    assert "secret.txt" in names(other.visitors.get(token), "vault code 7731")


def test_what_a_process_had_begun_another_finishes_when_its_claim_ends(
    processes: Processes,
    postgres: PostgresServer,  # noqa: F811
) -> None:
    slow = SlowEmbedder()
    killed, other, token = processes.open(slow), processes.open(workers=0), new_token()
    killed.visitors.get(token).assistant().documents()
    slow.gate.clear()
    slow.reached.clear()
    key = bring(killed.visitors.get(token), "secret.txt", SECRET).id
    assert slow.reached.wait(10)
    assert other.visitors.work_once() is False  # it is claimed
    until(lambda: other.visitors.get(token).upload(key).state == "embedding")
    # What a killed process leaves: connections that end, and locks with them.
    killed._database.close()
    postgres.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())",
        processes.address,
    )
    slow.gate.set()
    until(lambda: other.visitors.work_once() or _ready(other, token, key), 20)
    until(lambda: _ready(other, token, key))
    assert "secret.txt" in names(other.visitors.get(token), "vault code 7731")
    known = VisitorAssistant(other.visitors.get(token)).documents()
    assert [info.name for info in known] == ["secret.txt", "ships.txt"]


def _ready(state: PostgresState, token: str, key: str) -> bool:
    return state.visitors.get(token).upload(key).state == "ready"


def test_what_was_put_into_the_index_before_the_end_is_removed_with_its_file(
    processes: Processes,
) -> None:
    state, token = processes.open(workers=0), new_token()
    visitor = state.visitors.get(token)
    key = bring(visitor, "secret.txt", SECRET).id
    note = visitor.upload(key)
    assert state.visitors.work_once()
    # A process that is killed between the index and the note leaves the note as it was.
    state.visitors._shared.files.change(visitor.key, key, lambda _: note)
    visitor.remove(key)
    bring(visitor, "recipe.txt", RECIPE)
    assert state.visitors.work_once()
    assert names(visitor, "vault code 7731 flour") == {"recipe.txt", "ships.txt"}


def test_a_database_that_comes_back_is_used_again(
    processes: Processes,
    postgres: PostgresServer,  # noqa: F811
) -> None:
    state = processes.open()
    state.records.add("a", "me", ANSWERED)
    postgres.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid()",
        processes.address,
    )
    assert state.records.count("me") == 1


# --- chats of other documents -----------------------------------------------------------------


def test_chats_of_other_collections_see_nothing_of_one_another(processes: Processes) -> None:
    one = processes.open(realm=realm_of("hr"))
    other, token = processes.open(realm=realm_of("public, press")), new_token()
    one.records.add("a", "me", ANSWERED)
    ready(one.visitors.get(token), "secret.txt", SECRET)
    login = one.owner("correct horse").log_in("correct horse")
    assert list(other.records.all()) == [] and other.records.of_visitor("me", ["a"]) == []
    assert not other.records.rate("me", "a", 1, "") and other.records.delete_all() == 0
    assert other.visitors.get(token).uploads == ()
    assert "secret.txt" not in names(other.visitors.get(token), "vault code 7731")
    assert login is not None and not other.owner("correct horse").knows(login)
    assert one.instance != other.instance
    assert one.records.count("me") == 1


def test_a_realm_is_the_same_however_collections_are_written() -> None:
    assert realm_of("a,b") == realm_of(" B , a, a") != realm_of("ab")
    assert realm_of("a,default") == realm_of(",a") != realm_of("a")
    assert realm_of("") == realm_of("default") == ""


# --- opening ----------------------------------------------------------------------------------


def test_processes_that_start_together_make_the_tables_once(
    postgres: PostgresServer,  # noqa: F811
) -> None:
    address = postgres.new_database()
    with ThreadPoolExecutor(6) as pool:
        databases = list(pool.map(lambda _: ChatDatabase(address), range(6)))
    for database in databases:
        database.close()
    assert postgres.execute("SELECT format FROM citewise_chat.format", address) == [(1,)]


def test_a_newer_format_is_refused(postgres: PostgresServer) -> None:  # noqa: F811
    address = postgres.new_database()
    ChatDatabase(address).close()
    postgres.execute("UPDATE citewise_chat.format SET format = 2", address)
    with pytest.raises(IndexFault, match="has format 2; this citewise knows format 1"):
        ChatDatabase(address)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:sekret@127.0.0.1:1/chat",
        "postgresql://me@127.0.0.1:1/chat?password=sekret",
        "postgresql://me:sekret@127.0.0.1:1/chat?no_such_option=sekret",
        "postgresql://me:sek%ret@127.0.0.1:1/chat",
    ],
)
def test_no_message_quotes_the_password(
    address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("citewise.ui.postgres.database._PATIENCE", 0.2)
    with pytest.raises((IndexFault, InputError)) as raised:
        ChatDatabase(address)
    told = str(raised.value) + caplog.text + repr(Options(Path(), state=address))
    assert "sek" not in told
    if isinstance(raised.value, IndexFault):
        assert "127.0.0.1:1/chat cannot be reached" in str(raised.value)


def test_without_psycopg_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InputError, match=r'pip install "citewise\[postgres\]"'):
        ChatDatabase("postgresql://127.0.0.1/chat")


def test_a_missing_database_ends_the_start_at_once_and_no_pool_is_opened(
    postgres: PostgresServer,  # noqa: F811
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(IndexFault, match=r"/no_such cannot be reached, .* See that it runs, "):
        ChatDatabase(postgres.address("no_such"))
    assert caplog.records == []
    assert not [t.name for t in threading.enumerate() if t.name.startswith("citewise-chat")]


def test_the_log_of_the_server_leaves_out_each_try_of_a_pool() -> None:
    names_set = ("psycopg.pool", "citewise", "uvicorn.error")
    logs = [logging.getLogger(name) for name in names_set]
    before = [(log.level, list(log.handlers), log.propagate) for log in logs]
    try:
        start_log()
        assert not logs[0].isEnabledFor(logging.WARNING) and logs[0].isEnabledFor(logging.ERROR)
    finally:
        for log, (level, handlers, propagate) in zip(logs, before, strict=True):
            log.level, log.handlers, log.propagate = level, handlers, propagate
        logging.getLogger("psycopg.pool").setLevel(before[0][0])  # clears what was cached


def test_a_user_without_rights_is_told_where_they_are_listed(
    postgres: PostgresServer,  # noqa: F811
) -> None:
    address = postgres.new_database()
    postgres.execute("DROP ROLE IF EXISTS nobody", address)
    postgres.execute("CREATE ROLE nobody LOGIN", address)
    other = address.replace("postgres@", "nobody@")
    remedy = 'Grant the rights that docs/shared-state.md names under "Rights"'
    with pytest.raises(IndexFault, match=remedy):
        ChatDatabase(other)
    ChatDatabase(address).close()
    with pytest.raises(IndexFault, match=remedy):
        ChatDatabase(other)
    postgres.execute("GRANT USAGE ON SCHEMA citewise_chat TO nobody", address)
    postgres.execute("GRANT SELECT ON citewise_chat.format TO nobody", address)
    database = ChatDatabase(other)
    with pytest.raises(IndexFault, match=remedy), database.transaction() as link:
        link.execute("SELECT 1 FROM citewise_chat.answers")
    database.close()


def test_state_lies_where_the_store_does(tmp_path: Path, processes: Processes) -> None:
    assert shared_address("postgresql://db/one") == "postgresql://db/one"
    assert shared_address("postgres://db/one") == "postgres://db/one"
    assert shared_address("milvus://db:19530") == shared_address("some/folder") == ""
    embedded = Assistant(tmp_path / "corpus", tmp_path / "index", embedder=HashEmbedder())
    local = open_state(Options(tmp_path / "data"), embedded)
    assert isinstance(local, LocalState)
    local.close()
    assistant = processes.assistant()
    shared = open_state(Options(tmp_path / "unused"), assistant)
    assert isinstance(shared, PostgresState)
    shared.close()
    assert not (tmp_path / "unused").exists()


def test_the_owner_s_password_must_be_the_same_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = Settings(chat=ChatSettings(owner=True))
    assert options_of(chosen, Path("corpus"))[1].startswith("The owner's page is /owner")
    monkeypatch.setenv("CITEWISE_STORE", "postgresql://me:sekret@db/chat")
    monkeypatch.setenv("CITEWISE_COLLECTIONS", "hr")
    chosen = replace(current(), chat=chosen.chat)
    with pytest.raises(InputError, match="Set CITEWISE_OWNER_PASSWORD") as raised:
        options_of(chosen, Path("corpus"))
    assert "sekret" not in str(raised.value)
    given, notice = options_of(
        replace(chosen, chat=replace(chosen.chat, owner_password="correct horse")), Path("corpus")
    )
    assert (given.owner, notice, given.realm) == ("correct horse", "", realm_of("hr"))
    assert current().store == "postgresql://me:sekret@db/chat"


def test_routes_say_that_nothing_can_be_kept(
    processes: Processes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assistant = processes.assistant()
    app = build_app(assistant, visitors=Options(tmp_path / "data", state=processes.address))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        assert client.get("/api/mine").json()["answers"] == 0
        app.state.extras.state._database.close()
        gone = client.get("/api/mine")
        assert (gone.status_code, gone.json()["error"]) == (503, "unavailable")
        assert gone.json()["message"] == strings.UNAVAILABLE
        asked = client.post("/api/ask", json={"question": "What does the Aurora carry?"})
        assert asked.json() == {"type": "error", "message": strings.UNAVAILABLE}
        listed = client.get("/api/uploads")
        assert (listed.status_code, listed.json()["message"]) == (503, strings.UNAVAILABLE)
        assert "postgresql://" not in gone.text + asked.text + listed.text
        assert "The database postgresql://" in caplog.text, "the log says what happened"
    app.state.extras.close()


def test_a_role_that_may_only_read_the_documents_is_told_so_by_each_file(
    tmp_path: Path,
    postgres: PostgresServer,  # noqa: F811
) -> None:
    address = postgres.new_database()
    (tmp_path / "owner").mkdir()
    owner = Processes(tmp_path / "owner", address)
    assistant = owner.assistant()
    assistant.documents()  # puts the documents there
    owner.open()
    for statement in (
        "DROP ROLE IF EXISTS reader",
        "CREATE ROLE reader LOGIN",
        "GRANT USAGE ON SCHEMA citewise, citewise_chat TO reader",
        "GRANT SELECT ON ALL TABLES IN SCHEMA citewise TO reader",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA citewise_chat TO reader",
    ):
        postgres.execute(statement, address)
    (tmp_path / "reader").mkdir()
    reader = Processes(tmp_path / "reader", address.replace("postgres@", "reader@"))
    visitor = reader.open().visitors.get(new_token())
    upload = ready(visitor, "secret.txt", SECRET)
    assert (upload.state, upload.problem) == ("failed", strings.NOT_TAKEN_IN)
    assert names(visitor, "vault ship") == {"ships.txt"}
    visitor.remove(upload.id)
    assert visitor.uploads == ()
    reader.close()
    owner.close()
    assistant.close()


def test_a_chat_over_a_folder_imports_nothing_of_postgresql() -> None:
    run = (
        "import sys, citewise.ui.server, citewise.ui.extras, citewise.ui.local_state\n"
        "print([name for name in sys.modules if name.startswith(('psycopg', 'pgvector'))])"
    )
    told = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


def test_claims_are_one_at_a_time_and_end(processes: Processes) -> None:
    one, other = ChatDatabase(processes.address), ChatDatabase(processes.address)
    with one.claim("a") as first:
        assert first is True
        with other.claim("a") as second, other.claim("b") as third:
            assert (second, third) == (False, True)
        began = time.monotonic()
        with other.claim("a", wait=0.3) as late:
            assert late is False and time.monotonic() - began >= 0.3
    with other.claim("a", wait=1.0) as free:
        assert free is True
    one.close()
    other.close()
