"""Runs a program with no network but a loopback of its own, and prints where it tried to send something.

    unshare --user --map-root-user --net python in_namespace.py PROGRAM ...

All addresses are routed to the loopback, so that every lookup and connection shows up there as a packet.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading

ALL_PROTOCOLS, IPV4, IPV6, ICMPV6 = 0x0003, b"\x08\x00", b"\x86\xdd", 58


def sent(packets: socket.socket) -> list[str]:
    """Destinations of the packets so far, without those that a system sends when its network comes up."""
    found = []
    while True:
        try:
            data = packets.recv(65536)
        except BlockingIOError:
            return found
        if data[12:14] == IPV4:
            found.append(socket.inet_ntoa(data[30:34]))
        elif data[12:14] == IPV6 and data[20] != ICMPV6:
            found.append(socket.inet_ntop(socket.AF_INET6, data[38:54]))


def main() -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "route", "add", "default", "dev", "lo"], check=True)
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
    packets.bind(("lo", 0))
    packets.setblocking(False)
    found: list[str] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            found.extend(sent(packets))

    watcher = threading.Thread(target=watch)
    watcher.start()
    done = subprocess.run(sys.argv[1:], capture_output=True, text=True, check=False)
    ended.set()
    watcher.join()
    found.extend(sent(packets))
    print(json.dumps({"sent": found, "status": done.returncode, "stderr": done.stderr[-2000:]}))


if __name__ == "__main__":
    main()
