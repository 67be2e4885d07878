"""One way to call another service."""

import json
from collections.abc import Sequence
from typing import Any

import grpc

MAX_MESSAGE_BYTES = 32 * 2**20
"""The limit on every message, on both ends of every hop."""


def connect(
    target: str, *services: str, once: Sequence[str] = (), credentials: grpc.ChannelCredentials | None = None
) -> grpc.aio.Channel:
    """A channel to all replicas behind a name.

    Args:
        target: "dns:///host:port" (every address it resolves to gets its share) or "unix:/path".
        services: full names of the gRPC services called. Their calls are repeated where the server is away; a replica
            whose health is not SERVING gets none.
        once: methods of the last of them whose answer would not be true the second time: they are not repeated.
        credentials: for TLS; plain where absent.
    """
    options = _options(services, once)
    if credentials:
        return grpc.aio.secure_channel(target, credentials, options=options)
    return grpc.aio.insecure_channel(target, options=options)


def _options(services: Sequence[str], once: Sequence[str]) -> list[tuple[str, Any]]:
    config = {
        "loadBalancingConfig": [{"round_robin": {}}],
        "healthCheckConfig": {"serviceName": services[0]},
        "methodConfig": [
            {
                "name": [{"service": service} for service in services],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "1s",
                    "backoffMultiplier": 2,
                    # grpc's core answers CANCELLED to a call that arrives just as a server says goodbye.
                    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
                },
            },
            {"name": [{"service": services[-1], "method": method} for method in once]},
        ],
        "retryThrottling": {"maxTokens": 20, "tokenRatio": 0.5},
    }
    return [
        ("grpc.service_config", json.dumps(config)),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        # A call is repeated only while its message is still held: by default 256 KiB are, and a photo is larger.
        ("grpc.per_rpc_retry_buffer_size", MAX_MESSAGE_BYTES),
        # A replica that hangs, or whose network is cut, keeps its connections: it is given up, and its calls go to
        # another, when it has said nothing for 2 s and to a ping nothing for 3 s.
        ("grpc.keepalive_time_ms", 2_000),
        ("grpc.keepalive_timeout_ms", 3_000),
        ("grpc.http2.ping_timeout_ms", 3_000),  # of pings that measure the bandwidth, while which no other is sent
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        # How long a server may take to accept a connection, whatever its name says: a busy one takes its time.
        ("grpc.min_reconnect_backoff_ms", 2_000),
        ("grpc.max_reconnect_backoff_ms", 500),  # how long after its start a replica may wait for its first call
        ("grpc.dns_min_time_between_resolutions_ms", 1_000),
        # By default channels to one address share a connection, and grpc's core (1.85) crashes at times where two of
        # them begin to watch its health at once: the second uses the watcher before the first has set it up.
        ("grpc.use_local_subchannel_pool", 1),
    ]
