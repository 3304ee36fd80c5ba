"""A TLS 1.2 client that comes in with one certificate and goes on with another.

    renegotiate.py PORT FIRST.pem FIRST.key SECOND.pem SECOND.key

Prints the first line of each answer that it gets, or what went wrong.
"""
import socket
import sys

from OpenSSL import SSL


def context(certificate, key):
    ctx = SSL.Context(SSL.SSLv23_METHOD)
    ctx.set_options(SSL.OP_NO_TLSv1_3)
    ctx.set_verify(SSL.VERIFY_NONE, lambda *args: True)
    ctx.use_certificate_chain_file(certificate)
    ctx.use_privatekey_file(key)
    return ctx


def ask(connection):
    connection.sendall(b"GET /who HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = b""
    while b"CN=" not in answer and len(answer) < 65536:
        answer += connection.recv(4096)
    print("answer:", answer.split(b"\r\n\r\n")[-1].decode(), flush=True)


port, first, second = int(sys.argv[1]), sys.argv[2:4], sys.argv[4:6]
raw = socket.create_connection(("127.0.0.1", port), timeout=10)
raw.settimeout(None)
connection = SSL.Connection(context(*first), raw)
connection.set_connect_state()
try:
    connection.do_handshake()
    ask(connection)
    connection.set_context(context(*second))
    connection.renegotiate()
    connection.do_handshake()
    ask(connection)
except Exception as error:
    print("refused:", repr(error), flush=True)
