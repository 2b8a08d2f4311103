"""Authorities and certificates, made anew for each scenario, right ones and wrong ones.

    certificates.server("shop.example")                       a pair: .certificate, .key (paths)
    certificates.server("shop.example", kind="rsa")           RSA-2048 instead of ECDSA P-256
    certificates.server("shop.example", ends_days=-1)         expired; starts_days=1: of tomorrow
    certificates.other.server("shop.example")                 by an authority that nobody trusts
    certificates.self_signed("shop.example")
    certificates.client("ada")                                for clients; certificates.ca verifies it
    pair.renew()                                              new key and certificate in the same files
    certificates.mismatched("shop.example")                   the key belongs to another certificate
"""

import datetime
import ipaddress
import os
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def key_new(kind):
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert kind == "ec", kind
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def subject(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def alternative(name):
    """The SAN entry that a name, an address or spiffe://… stands for."""
    if "://" in name:
        return x509.UniformResourceIdentifier(name)
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def write(path, data, mode=0o644):
    """In one step, as every ACME client does: whoever reads sees the old file or the new one."""
    made = path + ".new"
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)
    os.replace(made, path)


class Pair:
    """A certificate with its key, in two files; `chain` is what the certificate file holds."""

    def __init__(self, authority, base, names, kind, usage, starts_days, ends_days):
        self.authority, self.names, self.kind, self.usage = authority, names, kind, usage
        self.starts_days, self.ends_days = starts_days, ends_days
        self.certificate, self.key = base + ".pem", base + ".key"
        self.renew()

    def renew(self, ends_days=None):
        """A new key and a new certificate in the same files, first the key. Returns the serial number."""
        if ends_days is not None:
            self.ends_days = ends_days
        key = key_new(self.kind)
        made = self.authority.sign(key.public_key(), self.names, self.usage, self.starts_days,
                                   self.ends_days, key)
        write(self.key, key_pem(key), 0o600)
        write(self.certificate, pem(made))
        self.serial = made.serial_number
        return self.serial

    @property
    def conf(self):
        """As the configuration names it."""
        return {"certificate": self.certificate, "key": self.key}


class Authority:
    def __init__(self, folder, name, kind="ec"):
        self.folder, self.name = str(folder), name
        os.makedirs(self.folder, exist_ok=True)
        self.private = key_new(kind)
        self.count = 0
        now = datetime.datetime.utcnow()
        public = self.private.public_key()
        made = (x509.CertificateBuilder().subject_name(subject(name)).issuer_name(subject(name))
                .public_key(public).serial_number(x509.random_serial_number())
                .not_valid_before(now - 30 * DAY).not_valid_after(now + 3650 * DAY)
                .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
                .sign(self.private, hashes.SHA256()))
        self.own = made
        self.ca = os.path.join(self.folder, "ca.pem")
        write(self.ca, pem(made))

    def sign(self, public, names, usage, starts_days, ends_days, own_key=None):
        now = datetime.datetime.utcnow()
        signs_itself = self.private is None
        issuer = subject(names[0]) if signs_itself else self.own.subject
        builder = (x509.CertificateBuilder().subject_name(subject(names[0])).issuer_name(issuer)
                   .public_key(public).serial_number(x509.random_serial_number())
                   .not_valid_before(now + starts_days * DAY).not_valid_after(now + ends_days * DAY)
                   .add_extension(x509.SubjectAlternativeName([alternative(n) for n in names]),
                                  critical=False)
                   .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
                   .add_extension(x509.ExtendedKeyUsage([usage]), critical=False))
        return builder.sign(own_key if signs_itself else self.private, hashes.SHA256())

    def pair(self, names, kind, usage, starts_days, ends_days):
        self.count += 1
        base = os.path.join(self.folder, f"{self.count}-{names[0].replace('*', 'any').replace('/', '_')}")
        return Pair(self, base, list(names), kind, usage, starts_days, ends_days)

    def server(self, *names, kind="ec", starts_days=-10, ends_days=90):
        return self.pair(names, kind, ExtendedKeyUsageOID.SERVER_AUTH, starts_days, ends_days)

    def client(self, *names, kind="ec", starts_days=-10, ends_days=90):
        return self.pair(names, kind, ExtendedKeyUsageOID.CLIENT_AUTH, starts_days, ends_days)


class SelfSigner(Authority):
    """Signs each certificate with the certificate's own key."""

    def __init__(self, folder):
        super().__init__(folder, "nobody")
        self.private = None


class Certificates(Authority):
    """The fixture: an authority that the scenario trusts, and ways to get what must be refused."""

    def __init__(self, folder):
        super().__init__(os.path.join(folder, "trusted"), "Scenario Authority")
        self.other = Authority(os.path.join(folder, "other"), "Other Authority")
        self.selfish = SelfSigner(os.path.join(folder, "self"))

    def self_signed(self, *names, **more):
        return self.selfish.server(*names, **more)

    def mismatched(self, *names, **more):
        """A pair whose key is another one's."""
        pair, stranger = self.server(*names, **more), self.server(*names, **more)
        pair.key = stranger.key
        return pair

    def context(self, alpn=("http/1.1",), client=None, ca=None, version=None):
        """A client's context of Python's ssl, which trusts this authority."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # an end without close_notify is to be seen
        made.load_verify_locations(ca or self.ca)
        if alpn:
            made.set_alpn_protocols(list(alpn))
        if client is not None:
            made.load_cert_chain(client.certificate, client.key)
        if version is not None:
            made.minimum_version = made.maximum_version = version
        return made

    def server_context(self, pair, alpn=("http/1.1",), clients=None):
        """A node's context; clients: the authority whose certificates it demands."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(pair.certificate, pair.key)
        if alpn:
            made.set_alpn_protocols(list(alpn))
        if clients is not None:
            made.load_verify_locations(clients)
            made.verify_mode = ssl.CERT_REQUIRED
        return made
