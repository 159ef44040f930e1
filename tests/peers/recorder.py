"""The server behind both in the side-by-side test: writes down what it gets, byte for byte,
and answers as the corpus says.

It knows by the first byte of a request which protocol it speaks: HTTP, FastCGI, SCGI or
uwsgi. Each connection has one request; it is closed behind the answer."""
import re
import socket
import struct
import threading

DEADLINE = 5  # seconds that any wait may last: less than a client waits
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
FCGI_STDIN, FCGI_STDOUT, FCGI_END = 5, 6, 3
RECORD = 65528  # bytes of content


class Connection:
    """One request, read whole."""

    def __init__(self, connected):
        connected.settimeout(DEADLINE)
        self.socket = connected
        self.got = b""

    def need(self, length):
        while len(self.got) < length:
            more = self.socket.recv(1 << 16)
            if not more:
                raise EOFError
            self.got += more

    def until(self, mark, start=0):
        """The index behind the mark."""
        while True:
            at = self.got.find(mark, start)
            if at >= 0:
                return at + len(mark)
            self.need(len(self.got) + 1)

    def read(self):
        self.need(1)
        first = self.got[:1]
        if first == b"\x01":
            self.read_fastcgi()
        elif first.isdigit():
            self.read_scgi()
        elif first.isalpha():
            self.read_http()
        else:
            self.read_uwsgi()

    def read_http(self):
        end = self.until(b"\r\n\r\n")
        length = re.search(rb"\r\nContent-Length: *(\d+)", self.got[:end], re.I)
        if length:
            self.need(end + int(length.group(1)))
        elif re.search(rb"\r\nTransfer-Encoding: *chunked", self.got[:end], re.I):
            self.until(b"0\r\n\r\n", end)

    def read_fastcgi(self):
        at = 0
        while True:
            self.need(at + 8)
            _, kind, _, length, padding, _ = struct.unpack("!BBHHBB", self.got[at:at + 8])
            self.need(at + 8 + length + padding)
            at += 8 + length + padding
            if kind == FCGI_STDIN and length == 0:
                return

    def read_scgi(self):
        start = self.until(b":")
        end = start + int(self.got[:start - 1]) + 1
        self.need(end)
        self.need(end + int(self.got[start:].split(b"\0")[1]))

    def read_uwsgi(self):
        self.need(4)
        end = 4 + struct.unpack("<H", self.got[1:3])[0]
        self.need(end)
        length = re.search(rb"\x0e\0CONTENT_LENGTH..(\d+)", self.got[:end], re.S)
        if length:
            self.need(end + int(length.group(1)))

    def answer(self, answer):
        if self.got.startswith(b"\x01"):
            pieces = [answer[at:at + RECORD] for at in range(0, len(answer), RECORD)]
            answer = b"".join(struct.pack("!BBHHBB", 1, FCGI_STDOUT, 1, len(piece), 0, 0) + piece
                              for piece in pieces)
            answer += struct.pack("!BBHHBB", 1, FCGI_END, 1, 8, 0, 0) + bytes(8)
        self.socket.sendall(answer)


class Recorder:
    """Listens on a port of its own until it is closed."""

    def __init__(self, port):
        self.listening = socket.create_server(("127.0.0.1", int(port)), backlog=64)
        self.answer = ANSWER
        self.requests = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connected, _ = self.listening.accept()
            except OSError:
                return
            with connected:
                self.serve_one(Connection(connected))

    def serve_one(self, connection):
        """The request that only shows whether the client's connection was kept does not count."""
        try:
            connection.read()
        except (EOFError, OSError):
            if not connection.got:
                return
        is_probe = b"/kept-alive" in connection.got
        if not is_probe:
            self.requests.append(connection.got)
        try:
            connection.answer(ANSWER if is_probe else self.answer)
        except OSError:
            pass  # it has left

    def expect(self, answer):
        """What the requests from here on are answered with; None: the usual."""
        self.answer = ANSWER if answer is None else answer
        self.requests = []

    def close(self):
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.thread.join(DEADLINE)
