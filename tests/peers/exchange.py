"""Speaks HTTP/1.x in bytes: sends a request as it is, and takes apart what comes back."""
import re
import socket

DEADLINE = 15  # seconds that any wait may last

# Sent behind each request: whether it is answered shows if the connection was kept.
PROBE = b"GET /kept-alive HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Response:
    """A head and a body. The body is without chunks."""

    def __init__(self, status, headers):
        self.status = status
        self.headers = headers  # (name, value) in the order sent
        self.body = b""
        self.trailers = b""
        self.whole = False  # it ended as it said, not with the connection

    def interim(self):
        return self.status[9:10] == b"1"

    def header(self, name):
        for other, value in self.headers:
            if other.lower() == name:
                return value
        return None


def connect(address):
    if address.startswith("unix:"):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(DEADLINE)
        client.connect(address[5:])
        return client
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), DEADLINE)


def exchange(address, raw, unfinished=False):
    """All that comes back for the bytes, as a list of Responses, and whether the
    connection was kept. An `unfinished` client says no more after the bytes."""
    methods = methods_of(raw)
    with connect(address) as client:
        send(client, raw)
        if unfinished:
            client.shutdown(socket.SHUT_WR)
            return parse(receive(client, []), methods), False
        received = receive(client, methods, until_first=True)
        send(client, PROBE)
        received += receive(client, [])
    responses = parse(received, methods + [b"GET"])
    finals = [response for response in responses if not response.interim()]
    kept = len(finals) > max(len(methods), 1)
    return responses[:-1] if kept else responses, kept


def methods_of(raw):
    """The methods of all requests in the bytes: an answer to HEAD has no body."""
    return re.findall(rb"(?:^|\n)([A-Z]+) [^\r\n]* HTTP/1", raw)


def send(client, raw):
    try:
        client.sendall(raw)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it has answered and left


def receive(client, methods, until_first=False):
    """Reads to the end, or until one final answer has come whole."""
    received = b""
    while True:
        try:
            more = client.recv(1 << 20)
        except ConnectionResetError:
            more = b""
        received += more
        if not more or (until_first and any(
                response.whole and not response.interim()
                for response in parse(received, methods))):
            return received


def parse(received, methods):
    """The responses that the bytes are. The last one may not be whole."""
    responses = []
    methods = list(methods)
    while received:
        lines, found, rest = received.partition(b"\r\n\r\n")
        lines = lines.split(b"\r\n")
        if not found or not received.startswith(b"HTTP/"):
            response = Response(b"", [])  # HTTP/0.9, or the beginning of a head
            response.body, received = received, b""
        else:
            headers = [line.partition(b": ")[::2] for line in lines[1:]]
            response = Response(lines[0], [(name.decode("latin-1"), value)
                                           for name, value in headers])
            received = parse_body(response, rest, methods[:1] == [b"HEAD"])
        if not response.interim():
            methods = methods[1:]
        responses.append(response)
    return responses


def parse_body(response, rest, head_only):
    """Sets what it can of the response; what follows it is returned."""
    length = response.header("content-length")
    if head_only or response.interim() or response.status[9:12] in (b"204", b"304"):
        response.whole = True
        return rest
    if response.header("transfer-encoding") == b"chunked":
        return parse_chunks(response, rest)
    if length is None:
        response.body = rest
        return b""
    response.whole = len(rest) >= int(length)
    response.body = rest[:int(length)]
    return rest[int(length):]


def parse_chunks(response, rest):
    while rest:
        line, _, after = rest.partition(b"\r\n")
        size = int(line.split(b";")[0], 16)
        if size == 0:
            lines, found, after = rest.partition(b"\r\n\r\n")
            response.trailers = lines.partition(b"\r\n")[2]
            response.whole = bool(found)
            return after
        response.body += after[:size]
        rest = after[size + 2:]
    return b""
