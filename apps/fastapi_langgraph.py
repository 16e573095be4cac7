# /// script
# requires-python = ">=3.11"
# dependencies = ["fastapi", "dependency-injector", "langgraph", "httpx"]
#
# [tool.hangup]
# title = "a LangGraph graph in FastAPI's `StreamingResponse`, wired by Dependency Injector"
# session = "fastapi"
# surfaces = ["handler"]
# unsupported = ["sync", "is-disconnected"]
# ///
"""A chat service as in many articles: FastAPI, a dependency container, a LangGraph graph.

The container injects the service into the endpoint. The endpoint streams the service's
generator, which reads what a node of the graph writes to the graph's custom stream; the node
reads the inner source. LangGraph runs the node in a task of its own, and a queue connects that
task with the generator.
"""

from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, TypedDict

from dependency_injector import containers, providers
from dependency_injector.wiring import Provide, inject
from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse, StreamingResponse
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel

from apps.common import probe, service


class State(TypedDict):
    prompt: str


async def answer(state: State):
    write = get_stream_writer()
    async for event in service.source():
        write(event)


def build_graph():
    builder = StateGraph(State)
    builder.add_node("answer", answer)
    builder.add_edge(START, "answer")
    builder.add_edge("answer", END)
    return builder.compile()


class ChatService:
    def __init__(self, graph):
        self.graph = graph

    def stream(self, prompt):
        answering = partial(self.graph.astream, {"prompt": prompt}, stream_mode="custom")
        return service.stream(encode, make_source=answering)


class Container(containers.DeclarativeContainer):
    graph = providers.Singleton(build_graph)
    chat = providers.Factory(ChatService, graph=graph)


Chat = Annotated[ChatService, Depends(Provide[Container.chat])]


@asynccontextmanager
async def lifespan(app):
    yield
    await service.shutting_down()


app = FastAPI(lifespan=lifespan)


class Question(BaseModel):
    prompt: str


def encode(data):
    return f"data: {data}\n\n"


@app.get("/events")
@inject
async def events(chat: Chat):
    with probe.span("endpoint"):
        await service.before_answering()
        return StreamingResponse(chat.stream("hello"), media_type="text/event-stream")


@app.post("/events")
@inject
async def ask(question: Question, chat: Chat):
    with probe.span("endpoint"):
        await service.before_answering()
        return StreamingResponse(chat.stream(question.prompt), media_type="text/event-stream")


@app.get("/plain")
async def plain():
    with probe.span("endpoint"):
        await service.before_answering()
        return {"ok": True}


@app.exception_handler(Exception)
async def on_exception(request, error):
    probe.saw("handler", error)
    return JSONResponse({"error": "internal"}, status_code=500)


container = Container()
container.wire(modules=[__name__])
