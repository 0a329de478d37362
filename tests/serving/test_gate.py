"""Nobody passes who should not: each way in is tried."""

import asyncio
import base64
import re

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient

from latentwalk.serving.application import application
from latentwalk.serving.gate import LOOPBACK, POLICY, Gate
from latentwalk.serving.limits import Limits
from latentwalk.serving.served import Served

ROUTES = (
    "/",
    "/docs",
    "/docs.css",
    "/openapi.json",
    "/health",
    "/metrics",
    "/v1",
    "/v1/digits",
    "/v2",
    "/ping",
    "/nothing/here",
)
CODES = {"codes": [[0, 0, 0]]}
DECODE = "/v1/digits/decode"


@pytest.fixture(scope="module")
def client(client_of, digits):
    return client_of(digits)


def status(answer):
    assert answer.status_code < 400 or answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code


# ---------------------------------------------------------------------- names


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8000", "127.0.0.1@evil.example", "0.0.0.0", ""]
)
def test_a_name_that_is_not_ours_is_not_answered(client, path, host):
    assert status(client.get(path, headers={"host": host}, follow_redirects=False)) == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "localhost.", "127.0.0.1:1", "[::1]", "[::1]:8000"])
def test_loopback_is_answered_by_any_of_its_names(client, host):
    assert status(client.get("/health", headers={"host": host})) == 200


def test_two_names_are_none(client):
    request = client.build_request("GET", "/health", headers=[("host", "127.0.0.1"), ("host", "evil.example")])
    assert status(client.send(request)) == 421


def test_names_of_proxies_count_for_nothing(client):
    assert status(client.get("/health", headers={"x-forwarded-host": "127.0.0.1", "host": "evil.example"})) == 421


def test_an_address_may_be_allowed_and_a_name_besides(client_of, digits):
    client = client_of(digits, hosts=(*LOOPBACK, "models.example"), addresses=True)
    for host, expected in (
        ("10.0.0.5:80", 200),
        ("[fe80::1]", 200),
        ("models.example", 200),
        ("evil.example", 421),
        ("1.2.3", 421),
    ):
        assert status(client.get("/health", headers={"host": host})) == expected


# ---------------------------------------------------------------------- token


@pytest.fixture(scope="module")
def guarded(client_of, digits):
    return client_of(digits, token="correct-horse-battery")


def basic(secret):
    return {"authorization": "Basic " + base64.b64encode(secret.encode()).decode()}


@pytest.mark.parametrize("path", ROUTES)
def test_every_route_asks_for_the_token(guarded, path):
    answer = guarded.get(path, follow_redirects=False)
    assert status(answer) == 401 and "Bearer" in answer.headers["www-authenticate"]
    assert status(guarded.get(path, headers={"authorization": "Bearer correct-horse-battery"})) in (200, 404)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer "},
        {"authorization": "Bearer correct-horse-batter"},
        {"authorization": "Bearer correct-horse-battery2"},
        {"authorization": "correct-horse-battery"},
        {"authorization": "Basic correct-horse-battery"},
        {"authorization": "Basic ===="},
        {"authorization": "Digest correct-horse-battery"},
        {"authorization": b"Bearer \xff\xfe"},
        {"cookie": "token=correct-horse-battery"},
        basic("correct-horse-battery:"),
    ],
)
def test_nothing_else_is_the_token(guarded, headers):
    assert status(guarded.get("/health?token=correct-horse-battery", headers=headers)) == 401


def test_a_browser_sends_the_token_as_a_password(guarded):
    assert status(guarded.get("/docs", headers=basic("anyone:correct-horse-battery"))) == 200


def test_a_wrong_name_is_told_nothing_of_tokens(guarded):
    headers = {"host": "evil.example", "authorization": "Bearer correct-horse-battery"}
    assert status(guarded.get("/health", headers=headers)) == 421


def test_tokens_are_compared_in_a_time_that_says_nothing(monkeypatch, guarded):
    compared = []
    real = __import__("hmac").compare_digest
    monkeypatch.setattr("latentwalk.serving.gate.hmac.compare_digest", lambda a, b: compared.append(a) or real(a, b))
    guarded.get("/health", headers={"authorization": "Bearer guess"})
    assert compared == [b"guess"]


# ---------------------------------------------------------------------- pages of other sites


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "http://127.0.0.1.evil.example"},
        {"origin": "http://localhost"},
        {"origin": "null"},
        {"origin": "file://"},
        {"origin": "http://127.0.0.1/"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    ],
)
def test_a_page_of_another_site_changes_nothing(client, headers):
    assert status(client.post(DECODE, json=CODES, headers=headers)) == 403


def test_a_page_of_ours_may_ask(client):
    assert (
        status(client.post(DECODE, json=CODES, headers={"origin": "http://127.0.0.1", "sec-fetch-site": "same-origin"})) == 200
    )


def test_another_site_reads_nothing_but_may_link_here(client):
    assert status(client.get("/v1", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"})) == 403
    assert status(client.get("/docs", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"})) == 200
    allowed = client.options(DECODE, headers={"origin": "https://evil.example", "access-control-request-method": "POST"})
    assert "access-control-allow-origin" not in allowed.headers and status(allowed) == 403


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "text/plain; application/json", ""],
)
def test_what_a_form_can_send_is_not_read(client, kind):
    assert status(client.post(DECODE, content=b'{"codes": [[0, 0, 0]]}', headers={"content-type": kind})) == 415


def test_a_browser_that_does_not_say_what_it_sends_is_not_read(client):
    for headers in ({"sec-fetch-site": "same-origin"}, {"origin": "http://127.0.0.1"}):
        assert status(client.post(DECODE, content=b'{"codes": [[0, 0, 0]]}', headers=headers)) == 415
    assert status(client.post(DECODE, content=b'{"codes": [[0, 0, 0]]}')) == 200  # no browser


def test_what_is_packed_is_not_unpacked(client):
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    assert status(client.post(DECODE, content=b"\x1f\x8b" + b"\0" * 100, headers=headers)) == 415


# ---------------------------------------------------------------------- what answers carry


@pytest.mark.parametrize("path", ROUTES)
def test_every_answer_carries_the_same_rules(client, path):
    for answer in (client.get(path, follow_redirects=False), client.get(path, headers={"host": "evil.example"})):
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "set-cookie" not in answer.headers and "access-control-allow-origin" not in answer.headers


def test_the_policy_allows_no_script_from_text_and_no_frame():
    rules = dict(part.strip().split(" ", 1) for part in POLICY.split(";"))
    assert "unsafe" not in POLICY and "http" not in POLICY
    assert rules["default-src"] == rules["frame-ancestors"] == rules["form-action"] == rules["base-uri"] == "'none'"


def test_the_pages_obey_it(client):
    page = client.get("/docs").text
    assert "<script" not in page and not re.search(r"<[^>]+\s(on\w+|style)=", page)
    addresses = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert "docs.css" in addresses and not [one for one in addresses if one.startswith(("http", "//"))]


def test_names_are_data(client_of, digits):
    name = "<script>alert(1)</script>&\x1b[31m"
    client = client_of(Served(name, digits.model))
    page = client.get("/docs").text
    assert "<script>" not in page and "&lt;script&gt;" in page
    answer = client.get("/v1/%3Cscript%3E")
    assert answer.headers["content-type"] == "application/problem+json" and r"\x1b[31m" in answer.json()["detail"]


def test_what_goes_wrong_here_is_written_down_and_not_told(client_of, digits, caplog):
    broken = APIRouter()

    @broken.get("/broken")
    async def fail() -> None:
        raise RuntimeError("the key is under the mat")

    answer = client_of(digits, routers=[broken]).get("/broken")
    assert status(answer) == 500 and "mat" not in answer.text and "mat" in caplog.text
    assert answer.headers["content-security-policy"] == POLICY


# ---------------------------------------------------------------------- size


def test_a_body_has_an_end(client_of, digits):
    client = client_of(digits, limits=Limits(body=1000))
    headers = {"content-type": "application/json"}
    assert status(client.post(DECODE, content=b" " * 1001, headers=headers)) == 413
    assert status(client.post(DECODE, content=iter([b" " * 600] * 2), headers=headers)) == 413  # without its length
    for length in ("-1", "1e3", "9" * 30, "٣"):
        answer = client.post(DECODE, content=b"{}", headers={**headers, "content-length": length.encode()})
        assert status(answer) in (400, 413)


def test_json_has_a_nearer_end(anew, client_of, digits):
    client = client_of(anew(digits, Limits(text=100)))
    assert status(client.post(DECODE, json={"codes": [[0, 0, 0]] * 20})) == 413


def test_bodies_fill_no_more_than_their_memory(digits):
    async def scene():
        app = application({"digits": digits}, limits=Limits(body=1000, memory=20_000))
        release, answers = asyncio.Event(), []

        async def receive():
            await release.wait()
            return {"type": "http.request", "body": b'{"codes": [[0, 0, 0]]}'.ljust(1000), "more_body": False}

        async def ask():
            async def send(message):
                answers.append(message)

            headers = [(b"host", b"127.0.0.1"), (b"content-length", b"1000"), (b"content-type", b"application/json")]
            scope = {"type": "http", "method": "POST", "path": DECODE, "headers": headers, "query_string": b""}
            await app({**scope, "server": ("127.0.0.1", 80), "scheme": "http", "http_version": "1.1"}, receive, send)

        first = asyncio.create_task(ask())
        await asyncio.sleep(0.05)
        await ask()
        assert answers[0]["status"] == 503 and (b"retry-after", b"1") in answers[0]["headers"]
        answers.clear()
        release.set()
        await first
        await ask()  # there is room again
        assert [message["status"] for message in answers if "status" in message] == [200, 200]

    asyncio.run(scene())


def test_a_body_has_a_time(digits):
    async def scene():
        answers = []
        gate = Gate(application({"digits": digits}), limits=Limits(reading=0.05))

        async def receive():
            await asyncio.sleep(10)

        async def send(message):
            answers.append(message)

        headers = [(b"host", b"127.0.0.1"), (b"content-length", b"10"), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": DECODE, "headers": headers, "query_string": b"", "app": None}
        await gate({**scope, "server": ("127.0.0.1", 80), "scheme": "http", "http_version": "1.1"}, receive, send)
        assert answers[0]["status"] == 408 and (b"connection", b"close") in answers[0]["headers"]

    asyncio.run(scene())


def test_other_protocols_are_closed(client):
    with pytest.raises(Exception, match=r"1008|") as closed, client.websocket_connect("/v1"):
        pass
    assert type(closed.value).__name__ == "WebSocketDisconnect"


def test_paths_lead_nowhere(client):
    for path in (
        "/docs/../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/v1/..%2f..%2fetc%2fpasswd",
        "/v1/C:%5Cx",
        "//etc/passwd",
    ):
        assert status(client.get(path, follow_redirects=False)) in (404, 405), path


def test_a_client_that_is_told_to_look_elsewhere_is_not_sent_away(client: TestClient):
    answer = client.get("/", follow_redirects=False)
    assert answer.status_code == 307 and answer.headers["location"] == "docs"
