"""HTTP/1 messages as this tree reads them: on its own, so that newel's parser is not its own judge."""

import ssl


class Fields:
    """Header fields in the order in which they came; names have no case."""

    def __init__(self, pairs=()):
        self.pairs = list(pairs)

    def all(self, name):
        return [value for key, value in self.pairs if key.lower() == name.lower()]

    def get(self, name, default=None):
        found = self.all(name)
        return found[0] if found else default

    def __getitem__(self, name):
        found = self.all(name)
        assert len(found) == 1, f"{len(found)} fields {name} in {self.pairs}"
        return found[0]

    def __contains__(self, name):
        return bool(self.all(name))

    def names(self):
        return [key.lower() for key, _ in self.pairs]

    def __repr__(self):
        return repr(self.pairs)


def head_parse(head):
    """The start line and the fields of a head without its last empty line."""
    lines = head.decode("latin-1").split("\r\n")
    assert all("\n" not in line and "\r" not in line for line in lines), head
    pairs = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        assert colon and name and name == name.strip(), head
        pairs.append((name, value.strip(" \t")))
    return lines[0], Fields(pairs)


class Closed(Exception):
    """The other side closed before the message was whole; `got` is what had come of it."""

    def __init__(self, got=b"", is_reset=False):
        super().__init__(f"closed after {len(got)} bytes of the message" +
                         (" by a reset" if is_reset else ""))
        self.got = got
        self.is_reset = is_reset


class Reader:
    """Reads a stream of messages from a socket; `take` sees every byte as it comes."""

    def __init__(self, sock, take=None):
        self.sock = sock
        self.take = take
        self.buffer = bytearray()
        self.is_closed = False
        self.is_reset = False
        self.is_ragged = False  # TLS ended without close_notify

    def more(self):
        """False at the end."""
        if self.is_closed:
            return False
        try:
            data = self.sock.recv(256 * 1024)
        except (ConnectionResetError, BrokenPipeError):
            self.is_reset, data = True, b""
        except ssl.SSLError as error:
            if error.reason != "UNEXPECTED_EOF_WHILE_READING":
                raise
            self.is_ragged, data = True, b""
        if not data:
            self.is_closed = True
            return False
        self.buffer += data
        if self.take is not None:
            self.take(data)
        return True

    def until(self, mark):
        """Everything before the mark, which is taken away too."""
        searched = 0
        while (at := self.buffer.find(mark, searched)) < 0:
            searched = max(0, len(self.buffer) - len(mark) + 1)
            if not self.more():
                raise Closed(bytes(self.buffer), self.is_reset)
        found = bytes(self.buffer[:at])
        del self.buffer[:at + len(mark)]
        return found

    def exactly(self, count):
        while len(self.buffer) < count:
            if not self.more():
                raise Closed(bytes(self.buffer), self.is_reset)
        found = bytes(self.buffer[:count])
        del self.buffer[:count]
        return found

    def rest(self):
        while self.more():
            pass
        found = bytes(self.buffer)
        self.buffer.clear()
        return found

    def head(self):
        return head_parse(self.until(b"\r\n\r\n"))

    def chunk(self):
        """The next chunk of a body; empty for the last, whose trailers are read too."""
        line = self.until(b"\r\n")
        size = int(line.split(b";")[0], 16)
        if size == 0:
            while self.until(b"\r\n"):
                pass
            return b""
        data = self.exactly(size)
        assert self.exactly(2) == b"\r\n"
        return data

    def chunked(self):
        body = bytearray()
        try:
            while chunk := self.chunk():
                body += chunk
        except Closed as closed:
            raise Closed(bytes(body) + closed.got, closed.is_reset) from None
        return bytes(body)


class Response:
    def __init__(self, line, headers, informational=()):
        self.version, status, *reason = line.split(" ", 2)
        self.status = int(status)
        self.reason = reason[0] if reason else ""
        self.headers = headers
        self.informational = list(informational)
        self.body = b""
        self.framing = "none"

    @property
    def text(self):
        return self.body.decode()

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:60]!r}>"


def response_read(reader, method="GET", with_body=True):
    """The next final answer on this connection."""
    informational = []
    while True:
        response = Response(*reader.head(), informational)
        if response.status >= 200 or response.status == 101:
            break
        informational.append(response)
    if with_body:
        body_read(reader, response, method)
    return response


def body_read(reader, response, method="GET"):
    headers = response.headers
    if method == "HEAD" or response.status in (101, 204, 304):
        return
    if "transfer-encoding" in headers:
        assert headers["transfer-encoding"] == "chunked" and "content-length" not in headers
        response.framing = "chunked"
        response.body = reader.chunked()
    elif "content-length" in headers:
        response.framing = "length"
        response.body = reader.exactly(int(headers["content-length"]))
    else:
        response.framing = "close"
        response.body = reader.rest()
        if reader.is_reset:
            raise Closed(response.body, True)
