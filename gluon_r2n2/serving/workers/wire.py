"""Between the front and its worker processes: a JSON header and byte strings, through a pipe.

No pickle: a worker that a picture has taken over could otherwise run code in the front.
"""
from __future__ import annotations

import json
from multiprocessing.connection import Connection
from typing import Any, Dict, List, Sequence, Tuple

from gluon_r2n2.serving.config import MOST_OBJECTS

MOST_BYTES = 1 << 28  # of one byte string: a result, a picture, a grid
MOST_HEADER = 1 << 20
MOST_BLOBS = 2 * MOST_OBJECTS


def send(connection: Connection, header: Dict[str, Any], blobs: Sequence[Any] = ()) -> None:
    """Send one message. Raises OSError where the other side is gone."""
    connection.send_bytes(json.dumps({"header": header, "blobs": len(blobs)}).encode())
    for blob in blobs:
        connection.send_bytes(blob)


def receive(connection: Connection) -> Tuple[Dict[str, Any], List[bytes]]:
    """Wait for one message. Raises EOFError, OSError (gone, too long) or ValueError (no message of `send`)."""
    message = json.loads(connection.recv_bytes(MOST_HEADER))
    if not 0 <= message["blobs"] <= MOST_BLOBS:
        raise ValueError(f"a message of {message['blobs']} byte strings")
    return message["header"], [connection.recv_bytes(MOST_BYTES) for _ in range(message["blobs"])]
