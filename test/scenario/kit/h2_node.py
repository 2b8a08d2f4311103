"""A node that speaks HTTP/2 by prior knowledge (python3-h2) and does what the path says.

    node = H2Node(transcript)
    /hello /bytes/N /echo       answers; /echo gives body and trailers of the request back
    /hold                       answers when node.release() is called
    /refuse /goaway             the first time refused, by RST or by GOAWAY; answered after that
    /reset/CODE /garbage /die   resets the stream, breaks the protocol, closes the connection
    /early                      answers at the head, while the body is still coming
    /bidi                       gives every piece back at once

node.connections, node.requests and node.resets tell what came.
"""

import socket
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings


def hang_up(sock):
    """Ends what another thread may be waiting for on it."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the other side was first


class Connection(threading.Thread):
    def __init__(self, node, sock, number):
        super().__init__(daemon=True)
        self.node, self.sock, self.number = node, sock, number
        self.lock = threading.RLock()
        config = h2.config.H2Configuration(client_side=False, header_encoding="latin-1")
        self.h2 = h2.connection.H2Connection(config)
        self.streams = {}
        self.pending = {}  # stream -> [bytes left, trailers or None]
        self.is_open = True

    def run(self):
        with self.lock:
            self.h2.local_settings = h2.settings.Settings(
                client=False, initial_values={
                    h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self.node.streams,
                    h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: self.node.window})
            self.h2.initiate_connection()
            self.flush()
        try:
            while data := self.sock.recv(65536):
                with self.lock:
                    for event in self.h2.receive_data(data):
                        self.take(event)
                    self.flush()
        except (OSError, h2.exceptions.ProtocolError) as error:
            self.node.note(f"connection {self.number}: {error!r}")
        finally:
            with self.lock:
                self.is_open = False
                self.sock.close()

    def flush(self):
        if self.is_open and (data := self.h2.data_to_send()):
            self.sock.sendall(data)

    def take(self, event):
        stream = getattr(event, "stream_id", None)
        if isinstance(event, h2.events.RequestReceived):
            head = dict(event.headers)
            self.streams[stream] = {"head": head, "body": bytearray(), "trailers": [], "ended": False}
            self.node.note(f"connection {self.number} stream {stream}: {head[':method']} {head[':path']}")
            with self.node.lock:
                self.node.requests.append((self.number, stream, head))
            self.begin(stream, head[":path"])
        elif isinstance(event, h2.events.DataReceived):
            if stream in self.streams:
                self.streams[stream]["body"] += event.data
                if self.streams[stream]["head"][":path"] == "/bidi":
                    self.write(stream, event.data)
            if self.node.reads:
                self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
        elif isinstance(event, h2.events.TrailersReceived):
            self.streams[stream]["trailers"] = event.headers
        elif isinstance(event, h2.events.StreamEnded):
            if stream in self.streams:
                self.streams[stream]["ended"] = True
                self.end(stream, self.streams[stream])
        elif isinstance(event, h2.events.StreamReset):
            with self.node.changed:
                self.node.resets.append((self.number, stream, int(event.error_code)))
                self.node.changed.notify_all()
            self.streams.pop(stream, None)
            self.pending.pop(stream, None)
        elif isinstance(event, (h2.events.WindowUpdated, h2.events.RemoteSettingsChanged)):
            self.push()

    # What the path says

    def begin(self, stream, path):
        """At the head."""
        if path.startswith("/early"):
            self.answer(stream, b"early")
        elif path == "/bidi":
            self.h2.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        elif path.startswith("/refuse") and self.node.first_time(path):
            self.h2.reset_stream(stream, h2.errors.ErrorCodes.REFUSED_STREAM)
            self.streams.pop(stream)
        elif path.startswith("/goaway") and self.node.first_time(path):
            self.h2.close_connection(last_stream_id=stream - 2)
            self.flush()
            self.h2.state_machine.state = h2.connection.ConnectionState.SERVER_OPEN
            self.streams.pop(stream)
        elif path.startswith("/reset/"):
            self.h2.reset_stream(stream, int(path.rsplit("/", 1)[1]))
            self.streams.pop(stream)
        elif path == "/garbage":
            self.sock.sendall(b"\x00\x00\x04\x01\x04\x00\x00\x00\x01\xff\xff\xff\xff")
        elif path == "/die":
            hang_up(self.sock)

    def end(self, stream, asked):
        """At the request's end."""
        path = asked["head"][":path"]
        if path.startswith("/bytes/"):
            self.answer(stream, bytes(int(path.rsplit("/", 1)[1])))
        elif path.startswith("/echo"):
            self.answer(stream, bytes(asked["body"]), asked["trailers"] or None)
        elif path == "/bidi":
            self.pending.setdefault(stream, [bytearray(), None])[1] = [("grpc-status", "0")]
            self.push()
        elif path.startswith("/grpc.health"):
            self.answer(stream, self.node.health, [("grpc-status", "0")], "application/grpc")
        elif path.startswith("/unavailable"):
            self.h2.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc"),
                                          ("grpc-status", "14")], end_stream=True)
        elif path.startswith("/hold"):
            with self.node.changed:
                self.node.held.append((self, stream))
                self.node.changed.notify_all()
        elif not path.startswith("/early"):
            self.answer(stream, b"hello")

    def answer(self, stream, body, trailers=None, kind="text/plain"):
        self.h2.send_headers(stream, [(":status", "200"), ("content-type", kind),
                                      ("x-connection", str(self.number))])
        if self.streams.get(stream, {"head": {}})["head"].get(":method") == "HEAD":
            body = b""
        self.pending[stream] = [bytearray(body), trailers or []]
        self.push()

    def write(self, stream, data):
        self.pending.setdefault(stream, [bytearray(), None])[0].extend(data)
        self.push()

    def push(self):
        """As much as the windows allow. Trailers None: more is to come."""
        for stream, (left, trailers) in list(self.pending.items()):
            while left:
                room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
                if room <= 0:
                    break
                self.h2.send_data(stream, bytes(left[:room]))
                del left[:room]
            if not left and trailers is not None:
                if trailers:
                    self.h2.send_headers(stream, trailers, end_stream=True)
                else:
                    self.h2.end_stream(stream)
                self.pending.pop(stream)
        self.flush()


class H2Node:
    def __init__(self, transcript, name="h2 node", path=None, streams=100, window=65535):
        self.transcript, self.name = transcript, name
        self.streams, self.window, self.reads = streams, window, True
        self.health = b"\0\0\0\0\2\x08\1"
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.connections, self.requests, self.resets, self.held, self.seen = [], [], [], [], set()
        if path is None:
            self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
            self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        else:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            self.listener.listen(128)
            self.address = "unix:" + path
        threading.Thread(target=self.accept, daemon=True).start()

    def note(self, text):
        self.transcript.add(self.name, text)

    def first_time(self, path):
        with self.lock:
            is_first = path not in self.seen
            self.seen.add(path)
            return is_first

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            if sock.family == socket.AF_INET:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                connection = Connection(self, sock, len(self.connections))
                self.connections.append(connection)
            connection.start()

    def wait(self, holds, what):
        with self.changed:
            assert self.changed.wait_for(holds, 20), f"{self.name}: never {what}"

    def release(self, count=None):
        """Answers what /hold holds; what was reset meanwhile is gone."""
        with self.lock:
            count = len(self.held) if count is None else count
            held, self.held = self.held[:count], self.held[count:]
        for connection, stream in held:
            with connection.lock:
                if connection.is_open and stream in connection.streams:
                    connection.answer(stream, b"held")

    def goaway(self, number=-1):
        """An orderly one: what runs goes on."""
        connection = self.connections[number]
        with connection.lock:
            connection.h2.close_connection(last_stream_id=connection.h2.highest_inbound_stream_id)
            connection.flush()
            connection.h2.state_machine.state = h2.connection.ConnectionState.SERVER_OPEN

    def limit(self, streams, number=-1):
        """SETTINGS_MAX_CONCURRENT_STREAMS from here on."""
        connection = self.connections[number]
        with connection.lock:
            connection.h2.update_settings(
                {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: streams})
            connection.flush()

    def cut(self):
        """All connections, without a word."""
        for connection in self.connections:
            with connection.lock:
                if connection.is_open:
                    hang_up(connection.sock)

    def stop(self):
        hang_up(self.listener)
        self.listener.close()
        self.cut()
