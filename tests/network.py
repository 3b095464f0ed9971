"""Keeps the tests on this machine, and fails the test that tried to leave it. Two layers:

On Linux the process moves into a network namespace that has only loopback. That holds C libraries
(gRPC), threads and children (Chromium, `python app.py`) as well, and the kernel counts what it
found no route for. In Python an audit hook refuses every attempt and keeps its address, so that
the test fails even where the code under test swallowed the error.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import ipaddress
import os
import socket
import struct
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
SIOCSIFFLAGS, _IFF_UP_RUNNING = 0x8914, 0x41

_SENDS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_RESOLVES = {"socket.getaddrinfo", "socket.gethostbyname"}
_NAMES = {"socket.gethostbyaddr", "socket.getnameinfo"}

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy")
_DEAD_PROXY = "http://127.0.0.1:9"


class Guard:
    """The shut door. `no_namespace` says why there is only the second layer; "" if there are both.

    Without a namespace, gRPC, Chromium and children are held by a dead proxy alone: a child that
    opens a socket of its own gets out. Hence a build server on Linux must have one.
    """

    def __init__(self) -> None:
        self._tried: list[str] = []
        self.no_namespace = enter_namespace()
        for name in (*PROXIES, "no_proxy"):  # a developer's proxy would get even our loopback
            os.environ.pop(name, None)
            os.environ.pop(name.upper(), None)
        if self.no_namespace:
            os.environ.update(dict.fromkeys(PROXIES, _DEAD_PROXY))
            os.environ["no_proxy"] = "localhost,127.0.0.1,::1"
        self._without_route = _packets_without_route()
        sys.addaudithook(self._watch)

    def breach(self, *, browser: bool) -> str:
        """What tried to leave since the last call, as a sentence; "" if nothing did.

        A `browser` may look for IPv6: Chromium does at each start, and sends nothing.
        """
        tried, self._tried = self._tried, []
        before, self._without_route = self._without_route, _packets_without_route()
        if tried:
            return f"tried to reach past loopback: {', '.join(dict.fromkeys(tried))}"
        lost = {name: count - before[name] for name, count in self._without_route.items()}
        if browser:
            lost.pop("IPv6", None)
        if any(lost.values()) and not self.no_namespace:
            packets = ", ".join(f"{count} {name}" for name, count in lost.items() if count)
            return (
                "a C library or a child process tried to reach past loopback: "
                f"packets without a route: {packets}"
            )
        return ""

    def _watch(self, event: str, args: tuple[Any, ...]) -> None:
        if event in _SENDS:
            sock, address = args[:2]
            if sock.family in (socket.AF_INET, socket.AF_INET6) and address is not None:
                host, port = address[:2]
                if not is_loopback(host):
                    self._tried.append(f"{host}:{port}")
                    raise OSError(errno.ENETUNREACH, f"the tests may not reach {host}:{port}")
        elif (event in _RESOLVES and not is_loopback(args[0]) and not _is_address(args[0])) or (
            event in _NAMES and not is_loopback(args[0] if isinstance(args[0], str) else args[0][0])
        ):
            self._tried.append(str(args[0]))
            raise socket.gaierror(socket.EAI_NONAME, f"the tests may not look up {args[0]}")


def enter_namespace() -> str:
    """Move this process into a network namespace of its own. Returns why it cannot be, or "".

    Without root it takes a user namespace too, in which we remain the same user.
    """
    if sys.platform != "linux":
        return f"{sys.platform} has none"
    if len(os.listdir("/proc/self/task")) > 1:
        return "there are threads already, which would stay outside"
    import fcntl

    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
            return f"the kernel says: {os.strerror(ctypes.get_errno())}"
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh", b"lo", _IFF_UP_RUNNING))
    return ""


def is_loopback(host: str | bytes | None) -> bool:
    """Also true for what a server binds to: no host, 0.0.0.0 and ::."""
    text = host.decode() if isinstance(host, bytes) else host or ""
    if text in ("", "localhost") or text.endswith(".localhost"):
        return True
    if not _is_address(text):
        return False
    address = ipaddress.ip_address(text)
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified


def leaves_the_machine(url: str) -> bool:
    """Whether a browser has to go out for `url`; data: and blob: have no host."""
    return not is_loopback(urlsplit(url).hostname)


def _is_address(host: str | bytes) -> bool:
    """An address is not looked up anywhere, so that asking what it means is no attempt."""
    try:
        ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host)
    except ValueError:
        return False
    return True


def _packets_without_route() -> dict[str, int]:
    """The kernel's count for all processes in our namespace, by protocol; empty without Linux."""
    counts = {}
    with contextlib.suppress(OSError):
        lines = Path("/proc/self/net/snmp").read_text().splitlines()
        names, values = (line.split() for line in lines if line.startswith("Ip:"))
        counts["IPv4"] = int(values[names.index("OutNoRoutes")])
    with contextlib.suppress(OSError):
        lines = Path("/proc/self/net/snmp6").read_text().splitlines()
        counts["IPv6"] = sum(int(x.split()[1]) for x in lines if x.startswith("Ip6OutNoRoutes"))
    return counts
