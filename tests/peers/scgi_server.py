#!/usr/bin/env python3
"""An SCGI server on a unix socket: answers with the body's MD5 and some of what it was told."""
import hashlib
import socketserver
import sys


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        size = b""
        while not size.endswith(b":"):
            byte = self.rfile.read(1)
            if not byte:
                return  # who only looks whether somebody listens
            size += byte
        words = self.rfile.read(int(size[:-1])).split(b"\0")
        told = dict(zip(words[0::2], words[1::2]))
        assert self.rfile.read(1) == b"," and words[0] == b"CONTENT_LENGTH"
        body = self.rfile.read(int(told[b"CONTENT_LENGTH"]))
        self.wfile.write(b"Status: 203 Told\r\nX-Query: %s\r\nX-A: %s\r\n\r\n%s" % (
            told[b"QUERY_STRING"], told.get(b"HTTP_X_A", b""),
            hashlib.md5(body).hexdigest().encode()))


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


Server(sys.argv[1], Handler).serve_forever()
