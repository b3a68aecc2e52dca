"""A small MQTT client that waits for messages."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
import time
import warnings
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import gmqtt

WITHIN_S = 10
"""How long a message may take."""


class Mqtt:
    """A client of the broker: publishes JSON, and takes what comes in on the topics it listens to."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._messages: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Mqtt:
        self._thread.start()
        self._client = self._do(self._connect())
        return self

    def __exit__(self, *error: object) -> None:
        self._do(self._client.disconnect())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WITHIN_S)
        self._loop.close()

    def listen(self, topic: str) -> None:
        """Subscribe, and wait until the service can know of it."""
        done = threading.Event()
        self._client.on_subscribe = lambda *_: done.set()
        self._loop.call_soon_threadsafe(self._client.subscribe, topic, 1)
        assert done.wait(WITHIN_S), f"no answer to a subscription to {topic}"
        time.sleep(0.3)  # with Mosquitto the service reads of subscriptions in the broker's log

    def publish(self, topic: str, body: Any) -> None:
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._loop.call_soon_threadsafe(lambda: self._client.publish(topic, payload, qos=1))

    def next(self) -> tuple[str, Any]:
        """The next message: its topic and what its JSON says."""
        try:
            return self._messages.get(timeout=WITHIN_S)
        except queue.Empty:
            raise AssertionError("no message came") from None

    def silent(self, for_s: float = 0.7) -> bool:
        """Whether nothing more comes."""
        try:
            self._messages.get(timeout=for_s)
        except queue.Empty:
            return True
        return False

    async def _connect(self) -> gmqtt.Client:
        client = gmqtt.Client(f"conformance-{time.monotonic_ns()}")
        client.on_message = self._take
        await client.connect("127.0.0.1", self._port)
        return client

    async def _take(self, client: gmqtt.Client, topic: str, payload: bytes, qos: int, properties: Any) -> int:
        self._messages.put((topic, json.loads(payload)))
        return 0

    def _do(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(WITHIN_S)
