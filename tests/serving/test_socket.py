"""A bound server: clients that dawdle, that half go away, that ask for too much; and its end."""

import asyncio
import json
import socket
import struct
import time
from contextlib import ExitStack, suppress
from threading import Event, Thread

import numpy as np
import pytest

from latentwalk.errors import ConfigError
from latentwalk.serving.limits import Limits
from latentwalk.serving.socket import listener

DECODE = b"POST /v1/digits/decode HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
BODY = b'{"codes": [[0, 0, 1]]}'
WHOLE = DECODE + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
QUICK = Limits(head=0.3, reading=0.3, writing=0.3, idle=1)


def connected(port, **options):
    found = socket.create_connection(("127.0.0.1", port), timeout=5)
    for name, value in options.items():
        found.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
    return found


def answer(connection):
    """Status and body of the next answer."""
    content = b""
    while b"\r\n\r\n" not in content:
        part = connection.recv(65536)
        if not part:
            return None, content
        content += part
    head, _, body = content.partition(b"\r\n\r\n")
    lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    while part and (not lengths or len(body) < lengths[0]):  # without its length it ends where the connection does
        part = connection.recv(65536)
        body += part
    return int(head.split()[1]), body


def serves(port):
    with connected(port) as connection:
        connection.sendall(WHOLE)
        status, body = answer(connection)
    return status == 200 and np.shape(json.loads(body)["x"]) == (1, 8, 8)


def is_closed(connection, within=3.0):
    """Whether the server ends the connection by itself."""
    connection.settimeout(within)
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


@pytest.fixture(scope="module")
def port(listening, digits):
    with listening(digits, limits=QUICK) as port:
        yield port


def test_requests_follow_each_other_on_one_connection(port):
    with connected(port) as connection:
        for _ in range(3):
            connection.sendall(WHOLE)
            assert answer(connection)[0] == 200
        connection.sendall(WHOLE * 2)  # before the first is answered
        assert answer(connection)[0] == 200


@pytest.mark.parametrize("begin", [b"", b"GET /health HT", DECODE, DECODE + b"X-A: b\r\n"])
def test_a_head_that_never_ends_is_not_waited_for(port, begin):
    with connected(port) as connection:
        connection.sendall(begin)
        start = time.monotonic()
        assert is_closed(connection) and time.monotonic() - start < 2
    assert serves(port)


def test_a_head_that_comes_drop_by_drop_is_not_waited_for(port):
    def drip(connection):
        for at in range(40):
            connection.sendall(b"GET / HTTP/1.1\r\n" if at == 0 else b"X-%d: a\r\n" % at)
            time.sleep(0.05)

    with connected(port) as connection, pytest.raises(OSError):  # noqa: PT011 (broken pipe or reset)
        drip(connection)
    assert serves(port)


def test_a_second_head_is_not_waited_for_either(port):
    with connected(port) as connection:
        connection.sendall(WHOLE)
        assert answer(connection)[0] == 200
        connection.sendall(b"GET /hea")
        assert is_closed(connection)


def test_a_head_has_an_end(port):
    with connected(port) as connection:
        with suppress(OSError):
            connection.sendall(b"GET / HTTP/1.1\r\n" + b"X-A: " + b"a" * (1 << 20))
        assert is_closed(connection)
    assert serves(port)


def test_a_body_that_never_comes_is_answered_408(port):
    with connected(port) as connection:
        connection.sendall(DECODE + b"Content-Length: 100\r\n\r\n{")
        assert answer(connection)[0] == 408
        assert is_closed(connection)


def test_what_is_no_request_is_answered_400(port):
    for content in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 5 + b"\r\n\r\n",
        b"\0" * 100 + b"\r\n\r\n",
        b"GET\r\n\r\n",
    ):
        with connected(port) as connection:
            connection.sendall(content)
            assert answer(connection)[0] in (400, None)
    assert serves(port)


def test_a_length_of_its_own_smuggles_no_second_request(port):
    hidden = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with connected(port) as connection:
        connection.sendall(DECODE + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden)
        status, body = answer(connection)
        assert status is None or status >= 400
        assert b"process_" not in body


def test_who_half_goes_away_holds_nothing_up(port):
    for sent in (WHOLE, DECODE, b"", DECODE + b"Content-Length: 100\r\n\r\n{"):
        with connected(port) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            assert is_closed(connection)
    assert serves(port)


def test_who_goes_away_holds_nothing_up(port):
    for _ in range(20):
        connection = connected(port, SO_LINGER=struct.pack("ii", 1, 0))
        connection.sendall(WHOLE)
        connection.close()  # with a reset
    assert serves(port)


def test_who_does_not_read_is_not_waited_for(listening, digits):
    body = json.dumps({"codes": [[0, 0, 1]] * 9_000}).encode()
    with listening(digits, limits=QUICK) as port, connected(port, SO_RCVBUF=1 << 16) as idle:
        idle.settimeout(20)
        idle.sendall(DECODE + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert idle.recv(1, socket.MSG_PEEK)  # the answer is more than the system holds between two sockets
        time.sleep(1)
        assert serves(port)
        content, part = b"", b"-"
        while part:
            part = idle.recv(1 << 20)
            content += part
        length = int(content.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        assert 0 < len(content) < length, "it was waited for"


def test_more_than_can_be_done_is_answered_503_and_then_all_is_well(listening, anew, digits):
    run, begun, free = anew(digits, Limits(queue=2)), Event(), Event()

    def held():
        begun.set()
        free.wait(10)

    with listening(run, renew=False) as port, ExitStack() as ends:
        busy = Thread(target=lambda: asyncio.run(run.quick.do(held, 10)))
        busy.start()
        assert begun.wait(5)
        waiting = [ends.enter_context(connected(port)) for _ in range(2)]
        for connection in waiting:
            connection.sendall(WHOLE)
        until = time.monotonic() + 5
        while run.waiting < 2 and time.monotonic() < until:
            time.sleep(0.01)
        for _ in range(20):
            with connected(port) as connection:
                connection.sendall(WHOLE)
                status, body = answer(connection)
                assert status == 503 and b"2 requests wait for this model already. Try again in 1 s." in body
        free.set()
        assert [answer(connection)[0] for connection in waiting] == [200, 200]
        busy.join(5)
        assert serves(port)


def test_the_end_answers_what_is_under_way_and_leaves_nothing(listening, digits):
    with listening(digits) as port:
        waiting, half = connected(port), connected(port)
        waiting.sendall(WHOLE)
        assert answer(waiting)[0] == 200
        half.sendall(DECODE)
    with waiting, half:
        assert is_closed(waiting) and is_closed(half)
    with pytest.raises(OSError):  # noqa: PT011 (refused)
        connected(port)


def test_the_end_does_not_wait_for_what_takes_too_long(listening, anew, digits):
    limits = Limits(closing=1)
    run, begun, free = anew(digits, limits), Event(), Event()

    def held():
        begun.set()
        free.wait(20)

    start = time.monotonic()
    with listening(run, renew=False) as port:
        busy = Thread(target=lambda: asyncio.run(run.quick.do(held, 20)))
        busy.start()
        assert begun.wait(5)
        waiting = connected(port)
        waiting.sendall(WHOLE)
        time.sleep(0.2)
    assert time.monotonic() - start < 8
    with waiting:
        status, body = answer(waiting)
    assert status == 503 and b"the server is closing." in body
    free.set()
    busy.join(5)


def test_an_address_that_is_taken_or_none_is_told(port):
    with pytest.raises(ConfigError, match=r"cannot listen at 127\.0\.0\.1, port \d+: .*in use"):
        listener("127.0.0.1", port)
    with pytest.raises(ConfigError, match="cannot listen at 203"):
        listener("203.0.113.7", 0)
