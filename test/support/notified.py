"""Prints what a service tells its manager: notified.py PATH, which is for its NOTIFY_SOCKET."""
import socket
import sys

made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
made.bind(sys.argv[1])
print('bound', flush=True)
while True:
    # A descriptor that comes with a message is closed by this: systemd-notify waits for that.
    print(made.recv(4096).decode(), flush=True)
