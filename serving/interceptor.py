"""What surrounds every call: its request id, its metrics, its span, and the translation of errors into statuses."""

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractContextManager, aclosing, asynccontextmanager, nullcontext
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from serving import telemetry, tracing
from serving.errors import InternalError, InvalidField, ServiceError, StreamSilent

log = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]
Metadata = Iterable[tuple[str, str | bytes]]
Admit = Callable[[str, Metadata], AbstractContextManager[None]]
"""Surrounds a call of a method, by its full name. Entering raises a ServiceError where it must not be let in."""

_LONGEST_MESSAGE_S = 60.0
"""From the arrival of a call to that of its message."""
_NO_TIME_S = 0.05
_TELL_EVERY_S = 1.0
_STATUS_KEY = "grpc-status-details-bin"
_PUSHBACK_KEY = "grpc-retry-pushback-ms"  # read by the retry policies of grpc's clients
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


def anyone(method: str, metadata: Metadata) -> AbstractContextManager[None]:
    """Lets every call in."""
    return nullcontext()


class CallInterceptor(grpc.aio.ServerInterceptor):
    def __init__(self, admit: Admit, *, before_message: Callable[[], bool] = lambda: False) -> None:
        """``before_message``: whether to ask before a call's message is here, which costs 0.15 ms. Somebody who may not
        call could send it slowly and fill the memory."""
        self._admit = admit
        self._before_message = before_message
        self._refusals = _Refusals()

    async def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[Any, Any] | None":
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method.startswith("/grpc."):  # health and reflection answer in every state
            return handler
        if handler.unary_unary and self._before_message():
            return grpc.stream_unary_rpc_method_handler(
                self._unary_to_come(method, handler.unary_unary),
                _reading(handler.request_deserializer),
                handler.response_serializer,
            )
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(
                self._unary(method, handler.unary_unary),
                _reading(handler.request_deserializer),
                handler.response_serializer,
            )
        return grpc.stream_stream_rpc_method_handler(
            self._stream(method, handler.stream_stream),
            _reading(handler.request_deserializer),
            handler.response_serializer,
        )

    def _unary(self, method: str, behaviour: Any) -> Any:
        async def call(request: Any, context: Context) -> Any:
            async with self._surround(method, context):
                return await behaviour(_read(request), context)

        return call

    def _unary_to_come(self, method: str, behaviour: Any) -> Any:
        async def call(requests: AsyncIterator[Any], context: Context) -> Any:
            async with self._surround(method, context):
                try:
                    async with asyncio.timeout(_LONGEST_MESSAGE_S):
                        request = await anext(requests, _Unreadable())
                except TimeoutError:
                    raise StreamSilent(_LONGEST_MESSAGE_S) from None
                return await behaviour(_read(request), context)

        return call

    def _stream(self, method: str, behaviour: Any) -> Any:
        async def call(requests: AsyncIterator[Any], context: Context) -> AsyncIterator[Any]:
            readable = _Readable(requests)
            async with self._surround(method, context), aclosing(behaviour(readable, context)) as responses:
                async for response in responses:
                    yield response

        return call

    @asynccontextmanager
    async def _surround(self, method: str, context: Context) -> AsyncIterator[None]:
        began = time.monotonic()
        metadata = context.invocation_metadata() or ()
        request_id = telemetry.begin_request(metadata)
        call = tracing.begin_call(method, metadata, request_id)
        code = grpc.StatusCode.OK
        failure: ServiceError | None = None
        context.set_trailing_metadata(((telemetry.REQUEST_ID_KEY, request_id),))
        try:
            with self._admit(method, metadata):
                yield
        except ServiceError as error:
            code, failure = _CODES[error.code], error
            if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
                self._refusals.tell(method, error)
            else:
                log.info("%s: %s %s", method, code.name, error)
        except (asyncio.CancelledError, GeneratorExit):  # the latter while an answer of a stream is being sent
            code = _cancellation(context)
            raise
        except Exception:  # a bug: the log has it all, the caller the request id
            code, failure = grpc.StatusCode.INTERNAL, InternalError(request_id)
            log.exception("%s failed", method)
        finally:  # before the caller hears of it: who counts calls finds this one counted
            telemetry.CALLS.labels(method, code.name).inc()
            telemetry.CALL_SECONDS.labels(method).observe(time.monotonic() - began)
            call.end(code.name, failure)
        if failure:
            await _abort(context, failure, request_id)


class _Refusals:
    """Tells the log of one refusal a second for each method: a line for each would take a fifth of what each costs."""

    def __init__(self) -> None:
        self._told_at: dict[str, float] = {}
        self._untold = Counter[str]()

    def tell(self, method: str, error: ServiceError) -> None:
        now = time.monotonic()
        if now - self._told_at.get(method, -math.inf) < _TELL_EVERY_S:
            self._untold[method] += 1
            return
        self._told_at[method] = now
        untold = self._untold.pop(method, 0)
        more = f" ({untold} more since it was last told)" if untold else ""
        log.info("%s: RESOURCE_EXHAUSTED %s%s", method, error, more)


def _cancellation(context: Context) -> grpc.StatusCode:
    """Which status the caller has seen: grpc.aio cancels a call that is past its deadline, too."""
    remaining_s = context.time_remaining()
    is_late = remaining_s is not None and remaining_s < _NO_TIME_S
    return grpc.StatusCode.DEADLINE_EXCEEDED if is_late else grpc.StatusCode.CANCELLED


class _Unreadable:
    """In the place of a request that cannot be read: grpc.aio would answer for it with the inside of its error."""


class _Readable:
    """The requests of a stream. Raises InvalidField at the first that cannot be read."""

    def __init__(self, requests: AsyncIterator[Any]) -> None:
        self._requests = requests

    def __aiter__(self) -> "_Readable":
        return self

    async def __anext__(self) -> Any:
        return _read(await anext(self._requests))


def _reading(deserialize: Any) -> Any:
    if deserialize is None:
        return None

    def read(data: bytes) -> Any:
        try:
            return deserialize(data)
        except DecodeError:
            return _Unreadable()

    return read


def _read(request: Any) -> Any:
    if isinstance(request, _Unreadable):
        raise InvalidField("request", "its bytes are no message of this call")
    return request


async def _abort(context: Context, error: ServiceError, request_id: str) -> None:
    status = error.status()
    trailing: list[tuple[str, str | bytes]] = [
        (telemetry.REQUEST_ID_KEY, request_id),
        (_STATUS_KEY, status.SerializeToString()),
    ]
    if error.retry_after_s is not None:
        trailing.append((_PUSHBACK_KEY, str(round(1000 * error.retry_after_s))))
    await context.abort(_CODES[status.code], status.message, tuple(trailing))
