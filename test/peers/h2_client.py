"""A client with python3-h2, which judges each frame that comes:  h2_client.py ADDRESS [AUTHORITY-FILE]

Twenty requests at once, then a body both ways. Prints one JSON line: what happened."""

import json
import socket
import ssl
import sys

import h2.config
import h2.connection
import h2.events


class Client:
    def __init__(self, address, authority):
        host, port = address.rsplit(":", 1)
        self.sock = socket.create_connection((host, int(port)), 60)
        self.scheme = "http"
        if authority:
            context = ssl.create_default_context(cafile=authority)
            context.set_alpn_protocols(["h2"])
            self.sock = context.wrap_socket(self.sock, server_hostname="shop.example")
            assert self.sock.selected_alpn_protocol() == "h2"
            self.scheme = "https"
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.flush()
        self.seen = {}

    def flush(self):
        self.sock.sendall(self.h2.data_to_send())

    def ask(self, path, method="GET", body=None):
        stream = self.h2.get_next_available_stream_id()
        self.seen[stream] = {"status": None, "bytes": 0, "is_over": False}
        self.h2.send_headers(stream, [(":method", method), (":path", path), (":scheme", self.scheme),
                                      (":authority", "shop.example")], end_stream=body is None)
        self.flush()
        while body:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if room == 0:
                self.turn()
                continue
            self.h2.send_data(stream, body[:room], end_stream=len(body) <= room)
            body = body[room:]
            self.flush()
        return stream

    def turn(self):
        data = self.sock.recv(65536)
        assert data, "closed"
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                self.seen[event.stream_id]["status"] = int(dict(event.headers)[":status"])
            elif isinstance(event, h2.events.DataReceived):
                self.seen[event.stream_id]["bytes"] += len(event.data)
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self.seen[event.stream_id]["is_over"] = True
            else:
                assert not isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated))
        self.flush()

    def answer(self, stream):
        while not self.seen[stream]["is_over"]:
            self.turn()
        return [self.seen[stream]["status"], self.seen[stream]["bytes"]]


def main():
    client = Client(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
    streams = [client.ask(f"/sized/{number * 1000}") for number in range(20)]
    seen = {"many": [client.answer(stream) for stream in streams]}
    seen["large"] = client.answer(client.ask("/sized/3000000"))
    seen["upload"] = client.answer(client.ask("/upload", "POST", b"u" * 1000000))
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
