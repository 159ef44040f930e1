"""Random requests: valid ones, and such as are nearly valid."""

FIELDS = [b"Accept: */*\r\n", b"X-A: b\r\n", b"Cookie: a=b; c=d\r\n", b"User-Agent: x\r\n",
          b"X-Empty:\r\n", b"Accept-Encoding: gzip, br\r\n", b"TE: trailers\r\n"]

# What parsers have disagreed on.
PIECES = [b"\r", b"\n", b"\r\n", b" ", b"\t", b"\0", b"\v", b"\x7f", b"\x80", b":", b",", b";", b"+",
          b"-", b"0", b"9", b"f", b"x", b"0x", b"_", b"\"", b"chunked", b"identity, ",
          b"\r\nContent-Length: 3", b"\r\nContent-Length: 0", b"\r\nTransfer-Encoding: chunked",
          b"\r\nTransfer-Encoding : chunked", b"\r\n folded", b"\r\nHost: other",
          b"\r\nConnection: close", b"\r\nConnection: content-length",
          b"\r\n0\r\n\r\n", b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"]


def chunked(random, body):
    text = b""
    while body:
        size = random.randint(1, len(body))
        extension = random.choice([b"", b"", b"", b";a=b", b";a=\"b;c\"", b" ;a"])
        digits = random.choice([b"%x", b"%X", b"0%x"]) % size
        text += digits + extension + b"\r\n" + body[:size] + b"\r\n"
        body = body[size:]
    trailer = random.choice([b"", b"", b"", b"X-Trailer: x\r\n", b"Content-Length: 3\r\n"])
    return text + b"0\r\n" + trailer + b"\r\n"


def valid(random):
    """One request that every server takes."""
    method = random.choice([b"GET", b"GET", b"POST", b"POST", b"PUT", b"DELETE", b"OPTIONS"])
    target = random.choice([b"/", b"/a", b"/b", b"/a?b=c", b"http://localhost/a"])
    fields = random.sample(FIELDS, random.randint(0, 3)) + [b"Host: localhost\r\n"]
    body = bytes(random.choices(b"ab\r\n0: ", k=random.randint(0, 40)))
    framing = random.choice(["none", "length", "chunked"])
    if framing == "length":
        fields.append(b"Content-Length: %d\r\n" % len(body))
    elif framing == "chunked":
        fields.append(b"Transfer-Encoding: chunked\r\n")
        body = chunked(random, body)
    else:
        body = b""
    random.shuffle(fields)
    return method + b" " + target + b" HTTP/1.1\r\n" + b"".join(fields) + b"\r\n" + body


def pipeline(random):
    return b"".join(valid(random) for _ in range(random.randint(1, 3)))


def mutated(random):
    """Valid ones with one or two small things wrong."""
    text = pipeline(random)
    for _ in range(random.randint(1, 2)):
        at = random.randrange(len(text) + 1)
        if random.random() < 0.5:  # near a line's end, a colon or a digit, where framing is said
            places = [i for i, byte in enumerate(text) if byte in b"\r\n:0123456789abcdef"]
            at = random.choice(places)
        cut = random.choice([0, 0, 0, 1, 1, 2])
        text = text[:at] + random.choice(PIECES + [b""]) + text[at + cut:]
    return text
