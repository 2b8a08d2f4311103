"""TLS before a wire: Python's ssl, so that OpenSSL in newel meets another hand on the same library.

    with TlsWire(edge.address, certificates.context(), "shop.example") as wire:
        assert wire.ask("GET", "/").response().status == 200
"""

import ssl

from .message import Reader
from .wire import Wire


class TlsWire(Wire):
    """A wire with TLS on it. `session` of an earlier wire asks for resumption."""

    def __init__(self, address, context, server_name="shop.example", transcript=None, name="client",
                 session=None, receive_bytes=None):
        super().__init__(address, transcript, name, receive_bytes)
        context.check_hostname = server_name is not None and context.verify_mode != ssl.CERT_NONE
        try:
            self.sock = context.wrap_socket(self.sock, server_hostname=server_name, session=session,
                                            suppress_ragged_eofs=False)
        except BaseException as error:
            self.note(f"gets no TLS: {error}")
            self.sock.close()
            raise
        self.reader = Reader(self.sock)
        self.note(f"speaks {self.sock.version()} {self.sock.selected_alpn_protocol()}, "
                  f"resumed: {self.sock.session_reused}")

    @property
    def alpn(self):
        return self.sock.selected_alpn_protocol()

    @property
    def version(self):
        return self.sock.version()

    @property
    def is_resumed(self):
        return self.sock.session_reused

    @property
    def session(self):
        """With TLS 1.3 it is there once something was read after the handshake."""
        return self.sock.session

    @property
    def serial(self):
        """The serial number of the certificate that was served."""
        return int(self.sock.getpeercert()["serialNumber"], 16)

    @property
    def is_ragged(self):
        """After the end: it came without TLS's own goodbye, as when somebody cuts the line."""
        return self.reader.is_ragged
