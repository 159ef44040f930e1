"""Reads the corpus of the side-by-side test: configurations and requests as text.

A file of corpus/ is one group: the servers are started once with its
configuration, and get its requests one after the other, each on a connection of
its own. It has sections, each begun by its name in brackets:

    [files]     PATH: TEXT, one a line; TEXT has \\r, \\n, \\xHH, and may end in
                " x N" to be repeated. PATH/ is a folder. "PATH -> TARGET" is a
                symbolic link.
    [main]      configuration outside of http; may be left out
    [config]    configuration inside of http
    [mask]      regular expressions, one a line: what they match in an answer or a
                log is not compared (times, process numbers)
    [differs]   lines of logs that are not equal, and are meant not to be: regular
                expressions, one a line, each with " # " and the reason
    [requests]  see below

In all of them the words PORT and OTHER stand for two free ports, UPSTREAM for that of
recorder.py, DEAD for one on which nobody listens, and ROOT for the folder that the servers
run in (their -p).

Requests are separated by empty lines. A comment (#) above one is its name.

    POST /form HTTP/1.0         method, target; the version is HTTP/1.1 if it is
    Name: value                 not given, which adds "Host: localhost" if there
    | body                      is no Host. A body adds its Content-Length, if
                                there is no Transfer-Encoding or Content-Length.
    raw GET / HTTP/1.0\\r\\n\\r\\n  bytes as they are sent, instead of these lines;
                                several are joined
    answer HTTP/1.1 200 OK\r\n   what the upstream server answers, as it is sent; several are
                                joined. It answers "ok" if nothing is said.
    to 127.0.0.1:OTHER          where the connection goes: an address, unix:PATH
    unfinished                  the client says no more after it (it shuts down its
                                side of the connection)
    differs PARTS: reason       status, headers, body, interim, count, kept or upstream (what
                                the upstream server gets), order (of the headers), or
                                header names, are not equal, and that is meant. It
                                is a failure if they are equal after all.
"""
import re


class Request:
    """What is sent to both servers, and what may differ."""

    def __init__(self, name, line):
        self.name = name
        self.line = line
        self.raw = b""
        self.address = "127.0.0.1:PORT"
        self.unfinished = False
        self.answer = None  # the upstream's
        self.differs = {}  # part: reason
        self.head = []
        self.body = None

    def finish(self):
        """Makes the bytes of a request that was given by its lines."""
        if not self.head:
            return
        words = self.head[0].split(" ")
        if len(words) == 2:
            words.append("HTTP/1.1")
        fields = self.head[1:]
        names = {field.split(":")[0].lower() for field in fields}
        if words[2] == "HTTP/1.1" and "host" not in names:
            fields.insert(0, "Host: localhost")
        if self.body is not None and not names & {"content-length", "transfer-encoding"}:
            fields.append("Content-Length: %d" % len(self.body))
        lines = [" ".join(words)] + [field for field in fields if field != "Host: -"]
        head = "".join(line + "\r\n" for line in lines) + "\r\n"
        self.raw = unescape(head) + (self.body or b"")


class Group:
    """One file of the corpus."""

    def __init__(self, path):
        self.path = path
        self.files = []  # (path, bytes), (path + "/", None) or (path, ("link", target))
        self.sections = {name: [] for name in ("files", "main", "config", "mask", "differs",
                                               "requests")}
        self.read()
        self.main = "\n".join(line for _, line in self.sections["main"])
        self.config = "\n".join(line for _, line in self.sections["config"])
        self.masks = [re.compile(line.encode()) for _, line in self.sections["mask"] if line]
        self.differs = [line.split(" # ")[0] for _, line in self.sections["differs"] if line]
        self.read_files()
        self.requests = self.read_requests()

    def read(self):
        section = None
        with open(self.path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                line = line.rstrip("\n")
                begun = re.fullmatch(r"\[(\w+)\]", line)
                if begun:
                    section = self.sections[begun.group(1)]
                elif section is not None:
                    section.append((number, line))

    def read_files(self):
        for number, line in self.sections["files"]:
            if not line or line.startswith("#"):
                continue
            link = re.fullmatch(r"(\S.*) -> (\S+)", line)
            file = re.fullmatch(r"([^:]+): ?(.*?)(?: x (\d+))?", line)
            if link:
                self.files.append((link.group(1), ("link", link.group(2))))
            elif line.endswith("/"):
                self.files.append((line, None))
            elif file:
                text = unescape(file.group(2)) * int(file.group(3) or 1)
                self.files.append((file.group(1), text))
            else:
                raise ValueError("%s:%d: not a file" % (self.path, number))

    def read_requests(self):
        requests = []
        request = None
        name = None
        for number, line in self.sections["requests"] + [(0, "")]:
            if line.startswith("#"):
                name = line.lstrip("# ")
            elif line and request is None:
                request = Request(name or line, number)
                name = None
            if line and not line.startswith("#"):
                self.read_line(request, number, line)
            elif not line and request is not None:
                request.finish()
                requests.append(request)
                request = None
        return requests

    def read_line(self, request, number, line):
        word, _, rest = line.partition(" ")
        if word == "raw":
            request.raw += unescape(rest)
        elif word == "|":
            request.body = (request.body or b"") + unescape(rest)
        elif word == "answer":
            request.answer = (request.answer or b"") + unescape(rest)
        elif word == "to":
            request.address = rest
        elif line == "unfinished":
            request.unfinished = True
        elif word == "differs":
            parts, colon, reason = rest.partition(": ")
            if not colon:
                raise ValueError("%s:%d: no reason is given" % (self.path, number))
            for part in parts.split():
                request.differs[part] = reason
        else:
            request.head.append(line)


ESCAPES = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"\\": b"\\"}


def unescape(text):
    """The bytes of a text, as UTF-8, with \\r, \\n, \\t, \\\\ and \\xHH resolved."""
    return re.sub(rb"\\(?:x([0-9a-fA-F]{2})|(.))",
                  lambda match: bytes([int(match[1], 16)]) if match[1] else ESCAPES[match[2]],
                  text.encode())
