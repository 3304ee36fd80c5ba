"""A Twisted web server that requests client certificates and rejects those in the files of a list.

    /usr/bin/python3 bench/refusals/twisted_peer.py folder

The list, revoked.txt, holds one file name a line and is read anew when it has changed. Everything else
is Twisted's default; sessions are among that, which it does not resume.
"""
import os
import sys

from OpenSSL import SSL, crypto
from twisted.internet import endpoints, reactor, ssl, task
from twisted.web import resource, server

FOLDER = sys.argv[1]
POLL_SECONDS = 0.1


def read(name):
    with open(os.path.join(FOLDER, name), "rb") as file:
        return file.read()


def certificate(name):
    return crypto.load_certificate(crypto.FILETYPE_PEM, read(name))


class Revoked:
    """SHA-256 of the certificates in force, and the version of the list that they come from."""

    changed = None
    hashes = frozenset()

    def poll(self):
        changed = os.stat(os.path.join(FOLDER, "revoked.txt")).st_mtime_ns
        if changed == self.changed:
            return
        names = [line for line in read("revoked.txt").decode().splitlines() if line and not line.startswith("#")]
        self.hashes = frozenset(certificate(name).digest("sha256") for name in names)
        self.changed = changed


class Answer(resource.Resource):
    """`served`, or for /stream a numbered line every 50 ms as long as the connection is open."""

    isLeaf = True

    def render_GET(self, request):
        if request.path != b"/stream":
            return b"served"
        count = 0

        def tick():
            nonlocal count
            count += 1
            request.write(b"tick %d.\n" % count)

        ticks = task.LoopingCall(tick)
        request.notifyFinish().addBoth(lambda _: ticks.stop())
        ticks.start(0.05)
        return server.NOT_DONE_YET


revoked = Revoked()
task.LoopingCall(revoked.poll).start(POLL_SECONDS)


def verify(connection, x509, error, depth, ok):
    return bool(ok) and x509.digest("sha256") not in revoked.hashes


options = ssl.CertificateOptions(
    privateKey=crypto.load_privatekey(crypto.FILETYPE_PEM, read("server.key")),
    certificate=certificate("server.pem"),
    trustRoot=ssl.trustRootFromCertificates([ssl.Certificate(certificate("ca.pem"))]),
)
options.getContext().set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, verify)
listening = endpoints.SSL4ServerEndpoint(reactor, 0, options, interface="127.0.0.1").listen(server.Site(Answer()))
listening.addCallback(lambda port: print("listening", port.getHost().port, flush=True))
reactor.run()
