"""The requests that calls fail in: one for each way to answer."""
import os

from scripted import HUGE, LARGE as UPSTREAM_LARGE, TEXT, digest
from server import LARGE, PAGE, SMALL

BODY = b"a body of a request "
LARGE_BODY = bytes(range(256)) * 400  # more than client_body_buffer_size


class Case:
    """`@n@` in a request is another number each time. `prepare` and `verify` are called with the
    world and this number, before and after it; verify returns what is wrong. `also`: other
    statuses that say the truth where something has failed. `varying`: no two answers are equal. `parts`:
    one of several that the body is made of may be an error page, as in nginx. `proxied`: to the port of
    the PROXY protocol."""

    def __init__(self, name, path, *fields, method="GET", body=None, text=None, status=200,
                 prepare=None, verify=None, also=(), chunked=False,
                 varying=False, parts=False, proxied=False):
        self.name, self.method, self.status, self.text = name, method, status, text
        self.prepare, self.verify = prepare, verify
        self.also, self.varying, self.parts = also, varying, parts
        self.proxied = proxied
        fields = ("Host: localhost", *fields)
        head = "\r\n".join((f"{method} {path} HTTP/1.1", *fields))
        if body is not None and chunked:
            head += "\r\nTransfer-Encoding: chunked"
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (
                body[:5], body[5:])) + b"0\r\n\r\n"
        elif body is not None:
            head += f"\r\nContent-Length: {len(body)}"
        first = b"PROXY TCP4 192.0.2.7 192.0.2.8 5000 80\r\n" if proxied else b""
        self.request = first + head.encode() + b"\r\n\r\n" + (body or b"")

    def text_of(self, n):
        return self.request.replace(b"@n@", b"%d" % n)


def new_link(world, n):
    """A file that the server has not seen yet."""
    os.link(world.path("html/small.txt"), world.path(f"html/new-{n}.txt"))


def new_dav(world, n):
    world.write(f"dav/{n}.txt", SMALL)


def new_dav_folder(world, n):
    for name in ("a", "b/c"):
        world.write(f"dav/{n}/{name}", SMALL)


def is_put(world, n):
    """All of it is there or nothing, and no draft of it."""
    return holds(world.path("dav"), f"put-{n}", LARGE_BODY) or no_drafts(world)


def holds(folder, name, content):
    path = os.path.join(folder, name)
    if os.path.exists(path):
        with open(path, "rb") as file:
            if file.read() != content:
                return f"a part of {name} is there"
    return None


def no_drafts(world):
    left = [name for name in os.listdir(world.path("dav")) if name.startswith(".")]
    return f"left behind: {left}" if left else None


def is_whole_copy(world, n):
    return (holds(world.path("dav"), f"{n}-to.txt", SMALL) or holds(world.path("dav"), f"{n}.txt", SMALL)
            or no_drafts(world))


def is_moved(world, n):
    paths = [world.path("dav", name) for name in (f"{n}.txt", f"{n}-to.txt")]
    if not any(os.path.exists(path) for path in paths):
        return "a moved file is lost"
    return is_whole_copy(world, n)


def is_stored(world, n):
    return holds(world.path("temp/stored"), str(n), TEXT)


GZIP = "Accept-Encoding: gzip"
PLAIN_SECRET = "Authorization: Basic c29tZWJvZHk6c2VjcmV0"
WRONG_SECRET = "Authorization: Basic c29tZWJvZHk6d3Jvbmc="

CASES = (
    Case("return", "/ok"),
    Case("variables", "/made?word=ax&n=@n@"),
    Case("redirect", "/moved", status=301),
    Case("head", "/files/small.txt", method="HEAD"),
    Case("small file", "/files/small.txt", text=SMALL),
    Case("new file", "/files/new-@n@.txt", text=SMALL, prepare=new_link),
    Case("large file", "/files/large.bin", text=LARGE),
    Case("large file, read", "/plain/large.bin", text=LARGE),
    Case("new file, read", "/plain/new-@n@.txt", text=SMALL, prepare=new_link),
    Case("range", "/files/large.bin", "Range: bytes=1000-2999", text=LARGE[1000:3000], status=206),
    Case("ranges", "/files/large.bin", "Range: bytes=0-9,100000-150000", status=206),
    Case("not modified", "/files/small.txt",
         "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT", status=304),
    Case("list", "/list/"),
    Case("list in JSON", "/list-json/"),
    Case("index", "/index/", text=SMALL),
    Case("folder without slash", "/files/list", status=301),
    Case("try_files", "/try/here", text=SMALL),
    Case("symbolic link refused", "/links/link.txt", status=403),
    Case("checked for links", "/links/new-@n@.txt", text=SMALL, prepare=new_link),
    Case("no such file", "/files/none-@n@", status=404),
    Case("error_page", "/missing", text=b"an error of our own\n", status=404),
    Case("gzip", "/gzip/page.html", GZIP, text=PAGE),
    Case("gzip_static", "/static/packed.txt", GZIP, text=SMALL),
    Case("sub_filter", "/sub/page.html", text=PAGE.replace(b"two", b"TWO")),
    Case("additions", "/add/small.txt", text=b"yes 1\n" + SMALL + TEXT, parts=True),
    Case("charset", "/charset/page.html", text=PAGE),
    Case("rewrite", "/rewrite/small.txt", text=SMALL),
    Case("password", "/basic/small.txt", PLAIN_SECRET, text=SMALL),
    Case("wrong password", "/basic/small.txt", WRONG_SECRET, status=401),
    Case("denied", "/denied/small.txt", status=403),
    Case("auth_request", "/asked/small.txt", text=SMALL),
    Case("auth_request refuses", "/refused/small.txt", status=403),
    Case("limits", "/limits/large.bin", text=LARGE),
    Case("proxy", "/proxy/fixed", text=TEXT),
    Case("proxy, new connection", "/new/fixed", text=TEXT),
    Case("proxy, large", "/proxy/large", text=UPSTREAM_LARGE),
    Case("proxy, chunked", "/proxy/chunked", text=UPSTREAM_LARGE),
    Case("proxy, through a pipe", "/proxy/huge", text=HUGE),
    Case("proxy, unbuffered", "/direct/large", text=UPSTREAM_LARGE),
    Case("proxy, body", "/proxy/echo", method="POST", body=BODY, text=digest(BODY)),
    Case("proxy, large body", "/proxy/echo", method="POST", body=LARGE_BODY,
         text=digest(LARGE_BODY)),
    Case("proxy, chunked body", "/proxy/echo", method="POST", body=LARGE_BODY, chunked=True,
         text=digest(LARGE_BODY)),
    Case("proxy, body passed on", "/direct/echo", method="POST", body=LARGE_BODY,
         text=digest(LARGE_BODY)),
    Case("proxy, body in a file", "/spooled/echo", method="POST", body=BODY, text=digest(BODY)),
    Case("gunzip", "/gunzip/gzip", text=TEXT * 50),
    Case("balanced", "/balanced/fixed", text=TEXT),
    Case("cache, new", "/cache/cached?@n@", text=TEXT),
    Case("cache, kept", "/cache/cached", text=TEXT),
    Case("cache, large", "/cache/large-cached?@n@", text=UPSTREAM_LARGE),
    Case("cache, large, kept", "/cache/large-cached", text=UPSTREAM_LARGE),
    Case("cache, stale", "/cache/stale", text=TEXT),
    Case("proxy_store", "/stored/?n=@n@", text=TEXT, verify=is_stored),
    Case("resolver", "/named/", text=TEXT),
    Case("fastcgi", "/fastcgi/", method="POST", body=LARGE_BODY, status=203,
         text=b"POST " + digest(LARGE_BODY)),
    Case("scgi", "/scgi/", method="POST", body=BODY, status=203, text=b"POST " + digest(BODY)),
    Case("uwsgi", "/uwsgi/", method="POST", body=BODY, status=203, text=b"POST " + digest(BODY)),
    Case("mirror", "/mirrored/small.txt", method="GET", text=SMALL),
    Case("mirror, body", "/mirrored-body", method="POST", body=LARGE_BODY,
         text=digest(LARGE_BODY)),
    Case("health check", "/checked/fixed", text=TEXT),
    Case("syslog", "/told/small.txt", text=SMALL),
    Case("PROXY protocol", "/who", text=b"192.0.2.7 192.0.2.7\n", proxied=True),
    Case("tunnel", "/tunnel", "Upgrade: echo", "Connection: upgrade", status=101),
    Case("PUT", "/dav/put-@n@", method="PUT", body=LARGE_BODY, status=201, verify=is_put),
    Case("DELETE", "/dav/@n@.txt", method="DELETE", status=204, prepare=new_dav),
    Case("DELETE of a folder", "/dav/@n@/", method="DELETE", status=204, prepare=new_dav_folder),
    Case("MKCOL", "/dav/new-@n@/", method="MKCOL", status=201),
    Case("COPY", "/dav/@n@.txt", "Destination: /dav/@n@-to.txt", method="COPY", status=204,
         prepare=new_dav, verify=is_whole_copy),
    Case("COPY of a folder", "/dav/@n@/", "Destination: /dav/@n@-to/", method="COPY", status=201,
         prepare=new_dav_folder),
    Case("MOVE", "/dav/@n@.txt", "Destination: /dav/@n@-to.txt", method="MOVE", status=204,
         prepare=new_dav, verify=is_moved),
    Case("logs", "/logged/small.txt?n=@n@", text=SMALL),
    Case("status", "/status", varying=True),
    Case("status page", "/page", varying=True),
    Case("metrics", "/metrics", varying=True),
    Case("healthz", "/healthz"),
    Case("empty_gif", "/gif"),
    Case("large head", "/ok", "X-Large: " + "x" * 6000),
    Case("too large a head", "/ok", "X-Large: " + "x" * 40000, status=400),
    Case("too large a body", "/dav/large", "Content-Length: 2000000", method="PUT", status=413),
    Case("bad request", "/ok", "Bad : field", status=400),
)
