# /// script
# requires-python = ">=3.11"
# dependencies = ["fastapi", "dependency-injector", "langgraph", "httpx"]
#
# [tool.hangup]
# title = "LangGraph"
# ///
from typing import Annotated, TypedDict

from dependency_injector import containers, providers
from dependency_injector.wiring import Provide, inject
from fastapi import Depends, FastAPI
from fastapi.responses import StreamingResponse
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph

from apps._stream import as_text, events


class State(TypedDict):
    prompt: str


async def answer(state: State):
    write = get_stream_writer()
    async for event in events(state["prompt"]):
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

    async def stream(self, prompt):
        async for data in self.graph.astream({"prompt": prompt}, stream_mode="custom"):
            yield as_text(data)


class Container(containers.DeclarativeContainer):
    graph = providers.Singleton(build_graph)
    chat = providers.Factory(ChatService, graph=graph)


app = FastAPI()


@app.get("/events")
@inject
async def stream(kind: str, chat: Annotated[ChatService, Depends(Provide[Container.chat])]):
    return StreamingResponse(chat.stream(kind), media_type="text/event-stream")


@app.get("/plain")
async def plain():
    return {"ok": True}


container = Container()
container.wire(modules=[__name__])
