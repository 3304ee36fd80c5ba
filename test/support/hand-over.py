"""
Makes sockets, and becomes another program that inherits them as descriptors 3, 4, ...

    hand-over.py [NAME=VALUE ...] KIND ... -- COMMAND ...

The environment is what systemd would make it: LISTEN_PID is the process, LISTEN_FDS the number of
descriptors. NAME=VALUE replaces or adds a variable, NAME= takes one away. Each socket is told on
standard error as a line of JSON, before the program begins: its number, and its port if it has one.
"""
import json
import os
import socket
import sys

at = sys.argv.index('--')
words, command = sys.argv[1:at], sys.argv[at + 1:]
kept = []


def listening(family, address):
    made = socket.socket(family)
    made.bind(address)
    made.listen(64)
    return made


def connected():
    server = listening(socket.AF_INET, ('127.0.0.1', 0))
    kept.append(server)
    kept.append(socket.create_connection(server.getsockname()))
    return server.accept()[0]


def bound():
    made = socket.socket()
    made.bind(('127.0.0.1', 0))
    return made


def datagram():
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(('127.0.0.1', 0))
    return made


def sequenced():
    made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    made.bind(b'')
    made.listen(1)
    return made


def pair():
    ours, theirs = socket.socketpair()
    kept.append(ours)
    return theirs


def pipe():
    theirs, ours = os.pipe()
    kept.append(ours)
    return theirs


KINDS = {
    'tcp': lambda: listening(socket.AF_INET, ('127.0.0.1', 0)),
    'tcp6': lambda: listening(socket.AF_INET6, ('::1', 0)),
    'bound': bound,
    'unbound': lambda: socket.socket(),
    'connected': connected,
    'pair': pair,
    'datagram': datagram,
    'sequenced': sequenced,
    'pipe': pipe,
    'file': lambda: os.open(__file__, os.O_RDONLY),
}

# Nothing that is made on the way may have one of the numbers that are handed over.
kinds = [word for word in words if '=' not in word or word.startswith(('unix=', 'tcp='))]
while os.open('/dev/null', os.O_RDONLY) < 3 + len(kinds):
    pass
for index, kind in enumerate(kinds):
    if kind.startswith('unix='):
        made = listening(socket.AF_UNIX, kind[5:])
    elif kind.startswith('tcp='):
        made = listening(socket.AF_INET, ('127.0.0.1', int(kind[4:])))
    else:
        made = KINDS[kind]()
    kept.append(made)
    descriptor = made if isinstance(made, int) else made.fileno()
    os.dup2(descriptor, 3 + index, inheritable=True)
    port = made.getsockname()[1] if kind.startswith('tcp') or kind == 'bound' else None
    print(json.dumps({'descriptor': 3 + index, 'port': port}), file=sys.stderr, flush=True)

os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(kinds)))
for word in words:
    name, equals, value = word.partition('=')
    if equals and name not in ('unix', 'tcp'):
        os.environ.pop(name, None) if value == '' else os.environ.update({name: value})
os.execvp(command[0], command)
