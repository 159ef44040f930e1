"""A WebSocket client (RFC 6455) of nothing but sockets."""
import base64
import hashlib
import os
import socket
import struct

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
BINARY, CLOSE = 2, 8
DEADLINE = 30


class WebSocket:
    """A connection; a context, closed as the protocol says."""

    def __init__(self, port, path):
        self.socket = socket.create_connection(("127.0.0.1", port), DEADLINE)
        self.file = self.socket.makefile("rb")
        key = base64.b64encode(os.urandom(16))
        self.socket.sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            b"Sec-WebSocket-Key: %s\r\n\r\n" % (path.encode(), key))
        status = self.file.readline()
        fields = self.read_fields()
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        if not status.startswith(b"HTTP/1.1 101 ") or fields[b"sec-websocket-accept"] != accept:
            raise AssertionError("no WebSocket: %r %r" % (status, fields))

    def read_fields(self):
        fields = {}
        while True:
            line = self.file.readline().rstrip()
            if not line:
                return fields
            name, _, value = line.partition(b": ")
            fields[name.lower()] = value

    def send(self, data, opcode=BINARY):
        mask = os.urandom(4)
        if len(data) < 126:
            length = struct.pack("!B", 0x80 | len(data))
        elif len(data) < 65536:
            length = struct.pack("!BH", 0x80 | 126, len(data))
        else:
            length = struct.pack("!BQ", 0x80 | 127, len(data))
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        self.socket.sendall(bytes([0x80 | opcode]) + length + mask + masked)

    def receive(self):
        length = self.file.read(2)[1]
        if length == 126:
            length = struct.unpack("!H", self.file.read(2))[0]
        elif length == 127:
            length = struct.unpack("!Q", self.file.read(8))[0]
        return self.file.read(length)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.send(b"", CLOSE)
        if self.receive() != b"" or self.file.read() != b"":
            raise AssertionError("something came behind the end")
        self.socket.close()
