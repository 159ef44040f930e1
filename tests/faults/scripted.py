"""Upstream servers that answer the same to the same request: HTTP, FastCGI, SCGI and uwsgi,
and a name server. Each connection has a thread; all of them end with the program."""
import gzip
import hashlib
import socket
import struct
import threading

LARGE = bytes(range(256)) * 1000  # more than an upstream's buffers hold
HUGE = LARGE * 4  # worth a pipe
TEXT = b"all work and no play makes a dull server\n" * 40


def hear(stream, count):
    """Exactly `count` bytes."""
    data = b""
    while len(data) < count:
        piece = stream.recv(count - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return data


class Line:
    """A connection that is read by heads and counted bytes."""

    def __init__(self, connection):
        self.connection, self.kept = connection, b""

    def more(self):
        piece = self.connection.recv(65536)
        if not piece:
            raise ConnectionError
        self.kept += piece

    def until(self, end):
        while end not in self.kept:
            self.more()
        text, self.kept = self.kept.split(end, 1)
        return text

    def recv(self, count):
        if not self.kept:
            self.more()
        piece, self.kept = self.kept[:count], self.kept[count:]
        return piece


def body_of(line, head):
    if b"transfer-encoding: chunked" in head.lower():
        body = b""
        while True:
            size = int(line.until(b"\r\n"), 16)
            body += hear(line, size)
            line.until(b"\r\n")
            if size == 0:
                return body
    for field in head.lower().split(b"\r\n"):
        if field.startswith(b"content-length:"):
            return hear(line, int(field[15:]))
    return b""


def digest(body):
    return b"%d %s\n" % (len(body), hashlib.md5(body).hexdigest().encode())


def head(status, *fields):
    return b"".join(b"%s\r\n" % text for text in (b"HTTP/1.1 " + status, *fields)) + b"\r\n"


def counted(body, *fields):
    return head(b"200 OK", b"Content-Length: %d" % len(body), *fields) + body


def chunked(body):
    pieces = [body[at:at + 7000] for at in range(0, len(body), 7000)]
    return (head(b"200 OK", b"Transfer-Encoding: chunked") +
            b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n")


ANSWERS = {
    b"fixed": lambda body: counted(TEXT, b"Content-Type: text/plain", b"X-Told: yes"),
    b"large": lambda body: counted(LARGE),
    b"huge": lambda body: counted(HUGE),
    b"chunked": lambda body: chunked(LARGE),
    b"gzip": lambda body: counted(gzip.compress(TEXT * 50, mtime=0), b"Content-Encoding: gzip",
                                  b"Content-Type: text/plain"),
    b"cached": lambda body: counted(TEXT, b"Content-Type: text/plain",
                                    b"Cache-Control: max-age=3600"),
    b"large-cached": lambda body: counted(LARGE, b"Cache-Control: max-age=3600"),
    b"stale": lambda body: counted(TEXT, b"Cache-Control: max-age=0, stale-while-revalidate=60"),
    b"echo": lambda body: counted(digest(body), b"Content-Type: text/plain"),
    b"yes": lambda body: head(b"204 No Content", b"X-User: somebody"),
    b"no": lambda body: head(b"403 Forbidden", b"Content-Length: 0"),
    b"error": lambda body: head(b"502 Bad Gateway", b"Content-Length: 0"),
}


def serve_http(connection):
    line = Line(connection)
    while True:
        request = line.until(b"\r\n\r\n")
        body = body_of(line, request)
        method, target = request.split(b" ", 2)[:2]
        name = target.split(b"?")[0].rsplit(b"/", 1)[-1]
        if name == b"tunnel":
            connection.sendall(head(b"101 Switching Protocols", b"Upgrade: echo",
                                    b"Connection: upgrade"))
            while True:
                connection.sendall(line.recv(65536).upper())
        answer = ANSWERS.get(name, ANSWERS[b"error"])(body)
        if method == b"HEAD":
            answer = answer.split(b"\r\n\r\n")[0] + b"\r\n\r\n"
        connection.sendall(answer)
        if b"connection: close" in request.lower() or request.endswith(b"HTTP/1.0"):
            return


def cgi_answer(parameters, body):
    return (b"Status: 203 Told\r\nContent-Type: text/plain\r\n\r\n%s %s" %
            (parameters[b"REQUEST_METHOD"], digest(body)))


def pairs_of(data):
    """FastCGI's parameters."""
    found, at = {}, 0
    while at < len(data):
        sizes = []
        for _ in range(2):
            size = data[at]
            at += 1
            if size > 127:
                size = (size & 127) << 24 | int.from_bytes(data[at:at + 3], "big")
                at += 3
            sizes.append(size)
        found[data[at:at + sizes[0]]] = data[at + sizes[0]:at + sum(sizes)]
        at += sum(sizes)
    return found


def serve_fastcgi(connection):
    line = Line(connection)
    while True:
        streams, keep, ended = {4: b"", 5: b""}, False, False
        while not ended:
            _, kind, request, size, padding = struct.unpack("!BBHHB", hear(line, 8)[:7])
            content = hear(line, size)
            hear(line, padding)
            if kind == 1:
                keep = content[2] & 1
            else:
                streams[kind] += content
            ended = kind == 5 and size == 0
        answer = cgi_answer(pairs_of(streams[4]), streams[5])
        connection.sendall(struct.pack("!BBHHBB", 1, 6, request, len(answer), 0, 0) + answer +
                           struct.pack("!BBHHBB", 1, 6, request, 0, 0, 0) +
                           struct.pack("!BBHHBBQ", 1, 3, request, 8, 0, 0, 0))
        if not keep:
            return


def serve_scgi(connection):
    line = Line(connection)
    words = hear(line, int(line.until(b":"))).split(b"\0")
    hear(line, 1)
    parameters = dict(zip(words[0::2], words[1::2]))
    body = hear(line, int(parameters[b"CONTENT_LENGTH"]))
    connection.sendall(cgi_answer(parameters, body))


def serve_uwsgi(connection):
    line = Line(connection)
    size = struct.unpack("<BHB", hear(line, 4))[1]
    data, words = hear(line, size), []
    while data:
        length = int.from_bytes(data[:2], "little")
        words.append(data[2:2 + length])
        data = data[2 + length:]
    parameters = dict(zip(words[0::2], words[1::2]))
    body = hear(line, int(parameters.get(b"CONTENT_LENGTH") or 0))
    connection.sendall(cgi_answer(parameters, body))


def attend(connection, serve):
    try:
        with connection:
            serve(connection)
    except OSError:
        pass  # the other end has gone, as it may at any time


def accept_all(listener, serve):
    while True:
        connection = listener.accept()[0]
        threading.Thread(target=attend, args=(connection, serve), daemon=True).start()


def start(serve, path=None):
    """A server on a path, or on a port of the loopback, which is returned."""
    listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
    listener.bind(path or ("127.0.0.1", 0))
    listener.listen(64)
    threading.Thread(target=accept_all, args=(listener, serve), daemon=True).start()
    return None if path else listener.getsockname()[1]


def answer_names(names):
    while True:
        question, client = names.recvfrom(2048)
        end = question.index(b"\0", 12) + 5
        is_a = question[end - 4:end - 2] == b"\0\1"
        answer = (question[:2] + b"\x81\x80\0\1" + struct.pack("!H", is_a) + b"\0\0\0\0" +
                  question[12:end])
        if is_a:  # for no time: each request asks anew
            answer += b"\xc0\x0c\0\1\0\1" + struct.pack("!IH", 0, 4) + bytes([127, 0, 0, 1])
        names.sendto(answer, client)


def start_sink(path):
    """A syslog server, which forgets what it is told."""
    sink = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sink.bind(path)

    def forget():
        while True:
            sink.recv(65536)

    threading.Thread(target=forget, daemon=True).start()


def start_names():
    """A name server that knows every name as 127.0.0.1; returns its port."""
    names = socket.socket(type=socket.SOCK_DGRAM)
    names.bind(("127.0.0.1", 0))
    threading.Thread(target=answer_names, args=(names,), daemon=True).start()
    return names.getsockname()[1]
