"""The chat's server: the page, our routes and the guards in one app, on one port."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from citewise.errors import CitewiseError, CorpusError
from citewise.settings import current
from citewise.ui import strings
from citewise.ui.listening import address_of, is_loopback, listening_socket, say
from citewise.ui.logs import start_log
from citewise.ui.proxies import proxies_of

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from citewise.bounds import Bounds
    from citewise.serve_settings import ServeSettings
    from citewise.ui.callers import Callers
    from citewise.ui.contract import ChatAssistant, Hooks
    from citewise.ui.options import Options
    from citewise.ui.state import Buckets

__all__ = ["build_app", "serve", "server_of"]

_STATIC = Path(__file__).parent / "static"
_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]", "::1")
_GOODBYE_SECONDS = 1


def build_app(
    assistant: ChatAssistant,
    *,
    examples: Sequence[str] = (),
    hosts: Sequence[str] = (),
    visitors: Options | None = None,
    bounds: Bounds | None = None,
    collections_header: str = "",
    serving: ServeSettings | None = None,
) -> FastAPI:
    """The whole chat as an ASGI app.

    Args:
        assistant: answers the questions.
        examples: questions offered while the chat is empty.
        hosts: names by which this server may be addressed besides the loopback ones; ``*`` is any.
        visitors: what visitors may do and what is kept of it; nothing by default. It needs an
            ``Assistant``; close ``app.state.extras`` when the app has ended.
        bounds: how much and how often may be asked; as the settings say by default.
        collections_header: the header in which a proxy lists what its user may see; it needs an
            ``Assistant``. Without it, all see what the assistant sees.
        serving: metrics, and how it ends; as the settings say by default.

    Raises:
        InputError: no header can be called that, ``visitors`` cannot be met, or metrics cannot be
            told.
    """
    from fastapi import FastAPI
    from fastapi.middleware.cors import CORSMiddleware
    from fastapi.staticfiles import StaticFiles
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from citewise.ui.asking import add_ask_route
    from citewise.ui.callers import CallersOnly, callers_of
    from citewise.ui.contract import Hooks
    from citewise.ui.ending import Ending, InHand
    from citewise.ui.guards import Guard
    from citewise.ui.page import head
    from citewise.ui.rates import RateLimit
    from citewise.ui.readiness import Readiness, parts_of
    from citewise.ui.routes import add_health_routes, add_routes

    bounds, serving = bounds or current().bounds, serving or current().serving
    app = FastAPI(title=strings.TITLE, docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/app-static", StaticFiles(directory=_STATIC))
    callers = callers_of(assistant, collections_header)
    hooks = Hooks(assistant_for=callers.assistant if callers else lambda _: assistant)
    ending = app.state.ending = Ending(serving.shutdown_seconds)
    add_health_routes(app, Readiness(parts_of(assistant), lambda: ending.begun))
    add_routes(app, hooks, examples)
    line = add_ask_route(app, hooks, bounds)
    sections = _add_extras(app, hooks, assistant, visitors, bounds, callers)
    if callers is not None:
        app.add_middleware(CallersOnly, callers=callers)
    # Without a policy of ours, Gradio would let any page served from this machine read answers.
    app.add_middleware(CORSMiddleware, allow_origins=[])
    # A page elsewhere whose name is made to point at this machine is stopped by its own name.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[*_LOOPBACK_NAMES, *hosts])
    app.add_middleware(RateLimit, a_minute=bounds.asks_a_minute, shared=_shared_count(app, bounds))
    app.add_middleware(InHand, ending=ending)
    app.add_middleware(
        Guard,
        head=head(sections),
        max_body=bounds.max_request_bytes,
        seconds=bounds.request_seconds,
    )
    if serving.metrics != "off":
        from citewise.ui.metrics_http import add_metrics

        add_metrics(app, hooks, assistant, line, everybody=serving.metrics == "open")
    _in_event_loop(lambda: _mount_page(app))
    return app


def _add_extras(
    app: FastAPI,
    hooks: Hooks,
    assistant: ChatAssistant,
    visitors: Options | None,
    bounds: Bounds,
    callers: Callers | None = None,
) -> Sequence[str]:
    """Let the server keep what visitors bring; returns the scripts that the page needs for it."""
    from citewise.assistant import Assistant
    from citewise.ui.page import SECTIONS, VISITORS

    if visitors is None or not isinstance(assistant, Assistant):
        return SECTIONS
    from citewise.ui.extras import Extras

    app.state.extras = Extras(app, hooks, assistant, visitors, bounds, callers)
    return (*SECTIONS, *VISITORS)


def _shared_count(app: FastAPI, bounds: Bounds) -> Buckets | None:
    """What counts questions for several processes, where they share what they keep."""
    if not hasattr(app.state, "extras") or not bounds.asks_a_minute:
        return None
    shared: Buckets | None = app.state.extras.state.buckets(bounds.asks_a_minute)
    return shared


def _mount_page(app: FastAPI) -> None:
    import gradio as gr

    from citewise.ui.page import build_page
    from citewise.ui.theme import theme

    gr.mount_gradio_app(
        app,
        build_page(),
        path="/",
        theme=theme(),
        footer_links=[],
        run_history=False,
        show_error=False,
        enable_monitoring=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
    )


def _in_event_loop(build: Callable[[], None]) -> None:
    """Outside a running loop, Gradio opens one for each component and never closes it."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(_as_coroutine(build))
        finally:
            loop.close()
    else:
        build()


async def _as_coroutine(build: Callable[[], None]) -> None:
    build()


def serve(
    assistant: ChatAssistant | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    open_browser: bool = False,
    examples: Sequence[str] | None = None,
    visitors: Options | None = None,
    collections_header: str = "",
) -> None:
    """Serve the chat until Ctrl-C; the address is printed once it can be opened.

    Args:
        assistant: answers the questions; without one, an ``Assistant`` over the default corpus.
        host: the address to listen on. There is no login: keep it on this machine.
        port: the first port to try; the next free one is taken if it is in use.
        open_browser: open the page.
        examples: questions offered while the chat is empty; by default some about the document
            that comes with the project, if that is what is searched.
        visitors: what visitors may do, and what is kept of it; by default they may bring documents,
            which are kept in a folder of the user's.
        collections_header: see ``build_app``.

    Raises:
        CitewiseError: the corpus is missing, no port is free, or ``visitors`` cannot be met.
    """
    if assistant is None:
        assistant = _default_assistant()
    _require_corpus(assistant)
    if examples is None:
        # Where not everybody sees everything, nobody is offered what was not made for them.
        shown = _holds_seed(assistant) and not collections_header
        examples = strings.SEED_QUESTIONS if shown else ()
    with listening_socket(host, port) as listener:
        _serve_on(listener, assistant, host, examples, open_browser, visitors, collections_header)


def _serve_on(
    listener: socket.socket,
    assistant: ChatAssistant,
    host: str,
    examples: Sequence[str],
    open_browser: bool,
    visitors: Options | None,
    collections_header: str,
) -> None:
    exposed = not is_loopback(host)
    if exposed:
        say(strings.OPEN_TO_ALL.format(host=host))
    start_log()
    bounds, serving = current().bounds, current().serving
    app = build_app(
        assistant,
        examples=examples,
        hosts=("*",) if exposed else (),
        visitors=visitors or _default_options(assistant),
        bounds=bounds,
        collections_header=collections_header,
        serving=serving,
    )
    address = address_of(listener, host)
    print(strings.ADDRESS.format(address=address), flush=True)
    threading.Thread(target=_warm, args=(assistant,), daemon=True).start()
    if open_browser:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    server = server_of(app, bounds, proxies_of(serving.trusted_proxies))
    log = logging.getLogger("uvicorn.error")

    def is_fault(_: logging.LogRecord) -> bool:
        return not server.should_exit  # open pages are cut off at the end, as they must be

    log.addFilter(is_fault)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        say("Stopped.")
    finally:
        log.removeFilter(is_fault)
        if hasattr(app.state, "extras"):
            app.state.extras.close()


def server_of(app: FastAPI, bounds: Bounds, proxies: Sequence[str] = ()) -> uvicorn.Server:
    """What serves an app, with patience for slow clients that ends.

    Args:
        app: made by ``build_app``; any other has nothing in hand when it ends.
        bounds: how long clients may take.
        proxies: addresses and networks whose word about their clients is taken.
    """
    import uvicorn

    from citewise.ui.ending import ChatServer, Ending
    from citewise.ui.patience import patient

    config = uvicorn.Config(
        app,
        http=patient(bounds),
        log_level="error",
        access_log=False,
        timeout_graceful_shutdown=_GOODBYE_SECONDS,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
    )
    return ChatServer(config, getattr(app.state, "ending", None) or Ending(0.0))


def _default_options(assistant: ChatAssistant) -> Options | None:
    from citewise.ui.options import Options, default_data, realm_of

    corpus = getattr(assistant, "corpus", None)
    if not isinstance(corpus, Path):
        return None
    return Options(default_data(corpus), realm=realm_of(current().collections))


def _default_assistant() -> ChatAssistant:
    from citewise.assistant import Assistant

    return Assistant()


def _require_corpus(assistant: ChatAssistant) -> None:
    """An assistant opens its corpus at the first question, too late for whoever mistyped it."""
    corpus = getattr(assistant, "corpus", None)
    seen = getattr(assistant, "collections", ("",))
    if getattr(assistant, "reads_only", False):
        return  # its documents lie in a store that others fill
    if isinstance(corpus, Path) and "" in seen and not corpus.exists():
        raise CorpusError(
            f"The corpus {str(corpus)!r} does not exist.",
            "Give a folder of documents, for example --corpus path/to/files.",
        )


def _holds_seed(assistant: ChatAssistant) -> bool:
    corpus = getattr(assistant, "corpus", None)
    if getattr(assistant, "collections", ("",)) != ("",):
        return False
    return isinstance(corpus, Path) and (corpus / strings.SEED_DOCUMENT).is_file()


def _warm(assistant: ChatAssistant) -> None:
    try:
        assistant.warm()
    except CitewiseError as error:
        say(str(error))
