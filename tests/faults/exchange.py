"""One request and its answer, read by the letter, and whether an answer is the right one."""
import re
import socket
import zlib

DEADLINE = 5  # seconds that an answer may take; some failures are tried again only after 500 ms

# What may differ between two right answers.
VARYING = {"date", "connection", "keep-alive", "content-encoding", "content-length",
           "transfer-encoding", "etag", "vary", "x-cache-status", "accept-ranges"}


class Answer:
    """`complete`: the body had the length or the end that the head has promised."""

    def __init__(self):
        self.status, self.fields, self.body = 0, [], b""
        self.complete, self.kept, self.wrong, self.raw = False, False, None, b""

    def value(self, name):
        return next((value for key, value in self.fields if key == name), None)

    def content(self):
        """The body without its coding, as far as it came."""
        if self.value("content-encoding") != "gzip":
            return self.body
        return zlib.decompressobj(31).decompress(self.body) if self.body else b""

    def facts(self):
        """What must be equal in two answers to one request, whose number may be in the head."""
        fields = [(name, value) for name, value in self.fields if name not in VARYING]
        content, kind = self.content(), self.value("content-type") or ""
        boundary = re.search("boundary=(.*)", kind)
        if boundary:  # a random one
            fields = [(name, value.replace(boundary[1], "B")) for name, value in fields]
            content = content.replace(boundary[1].encode(), b"B")
        fields = [(name, re.sub("1[0-9]{6}", "N", value)) for name, value in fields]
        return self.status, fields, content

    def __str__(self):
        text = f"{self.status} {'complete' if self.complete else 'cut short'}"
        return f"{text}, {len(self.body)} bytes, {self.body[:60]!r}" + (
            f", WRONG: {self.wrong}" if self.wrong else "")


class Connection:
    def __init__(self, address):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.settimeout(DEADLINE)
        self.socket.connect(address)
        self.data, self.ended = b"", False

    def close(self):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except ConnectionError:
            pass  # the server has closed; what it has said is read

    def more(self):
        """False at the end; a timeout is the caller's."""
        try:
            piece = self.socket.recv(1 << 18)
        except ConnectionError:
            piece = b""
        self.data += piece
        self.ended = not piece
        return not self.ended

    def take(self, count):
        """Up to `count` bytes: fewer at the end."""
        while len(self.data) < count and self.more():
            pass
        piece, self.data = self.data[:count], self.data[count:]
        return piece

    def line(self):
        while b"\r\n" not in self.data and self.more():
            pass
        if b"\r\n" not in self.data:
            return None
        text, self.data = self.data.split(b"\r\n", 1)
        return text

    def read(self, method="GET"):
        answer = Answer()
        try:
            self.read_head(answer)
            while 100 <= answer.status < 200 and answer.status != 101:
                answer = Answer()
                self.read_head(answer)
            if answer.status != 0:
                self.read_body(answer, method)
        except TimeoutError:
            answer.wrong = "nothing more came, and the connection stays open"
        return answer

    def read_head(self, answer):
        first, fields = self.line(), []
        while first is not None:
            line = self.line()
            if line is None:
                return
            if line == b"":
                break
            name, _, value = line.decode("latin-1").partition(":")
            fields.append((name.lower(), value.strip()))
        if first is None:
            return
        found = re.fullmatch(rb"HTTP/1\.1 (\d{3}) .*", first)
        if not found:
            answer.wrong = f"a status line of {first[:60]!r}"
            return
        answer.status, answer.fields = int(found[1]), fields
        answer.kept = answer.value("connection") != "close"

    def read_body(self, answer, method):
        length = answer.value("content-length")
        if method == "HEAD" or answer.status in (101, 204, 304):
            answer.complete = True
        elif answer.value("transfer-encoding") == "chunked":
            self.read_chunks(answer)
        elif length is not None:
            answer.body = self.take(int(length))
            answer.complete = len(answer.body) == int(length)
        else:
            answer.wrong = "a body without a length"

    def read_chunks(self, answer):
        while True:
            line = self.line()
            if line is None:
                return
            if not re.fullmatch(rb"[0-9a-f]+", line):
                answer.wrong = f"a chunk size of {line[:40]!r}"
                return
            size = int(line, 16)
            piece = self.take(size)
            answer.body += piece
            if len(piece) < size:
                return
            end = self.line()
            if end is None:
                return
            if end != b"":
                answer.wrong = f"a chunk's end of {end[:40]!r}"
                return
            if size == 0:
                answer.complete = True
                return


def judged(answer, expected, case):
    """What is wrong with the answer, or None: it is the expected one, an error of the server's,
    or a beginning of one of them that ends with the connection."""
    if answer.wrong:
        return answer.wrong
    if answer.status == 0:
        return None
    if answer.status >= 500 and answer.status != expected.status or answer.status in case.also:
        return None
    if case.varying:
        return None if answer.status == expected.status else f"status {answer.status}"
    status, fields, content = answer.facts()
    wanted_status, wanted_fields, wanted = expected.facts()
    if status != wanted_status:
        return f"status {status} instead of {wanted_status}"
    if case.parts and b"<title>50" in content:
        return None
    if answer.complete and content != wanted:
        return f"{len(content)} bytes of body that are not the {len(wanted)} expected"
    if not wanted.startswith(content):
        return "a wrong byte in a body cut short"
    if fields != wanted_fields:
        return f"fields {sorted(set(fields) ^ set(wanted_fields))}"
    return None
