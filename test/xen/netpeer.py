# SPDX-License-Identifier: ISC
"""The other host of the TCP and UDP suites in a guest: sockets of this kernel, as the guest asks
for them in frames on a tap. The questions and their layout are those of test/xen-guest/remote.h."""

import errno
import socket
import struct
import subprocess
import threading
import time

ETHERTYPE, PIECE = 0x88B5, 1400
HEAD = struct.Struct("<6s6s2sHIHH")
HERE = bytes.fromhex("0200000088b5")  # a hardware address: bridges pass on nothing without one
QUESTION, ANSWER = struct.Struct("<BBxxII24s"), struct.Struct("<i24s")
ADDRESS = struct.Struct("<B16sxHI")  # struct rung_addr
NARROW, SILENT = 1, 2
AGAIN, EOF, REFUSED, RESET, WRONG = -1, -2, -3, -4, -100
ERRORS = {errno.EAGAIN: AGAIN, errno.ENOTCONN: AGAIN, errno.EINPROGRESS: AGAIN,
          errno.ECONNREFUSED: REFUSED, errno.ECONNRESET: RESET, errno.EPIPE: RESET}
SO_RCVBUFFORCE, PACKET_OUTGOING, DISCARD = 33, 4, 9
BACKLOG, MIB = 16, 1 << 20


def unpacked(data):
    """A struct rung_addr as its family and what the socket module wants."""
    family, raw, port, scope = ADDRESS.unpack(data)
    if family == 6:
        return socket.AF_INET6, (socket.inet_ntop(socket.AF_INET6, raw), port, 0, scope)
    return socket.AF_INET, (socket.inet_ntop(socket.AF_INET, raw[:4]), port)


def packed(family, at):
    raw = socket.inet_pton(family, at[0])
    if family == socket.AF_INET6:
        return ADDRESS.pack(6, raw, at[1], at[3])
    return ADDRESS.pack(4, raw, at[1], 0)


class Sockets:
    """One method for each question: its answer is a number, an address, bytes."""

    def __init__(self, tap):
        self.tap, self.open, self.made, self.greeted = tap, {}, 0, {}

    def keep(self, one):
        one.setblocking(False)
        self.made += 1
        self.open[self.made] = one
        return self.made

    def begin(self, q):
        for one in [*self.open.values(), *(one for one, _ in self.greeted.values())]:
            one.close()
        self.open, self.greeted = {}, {}

    def greet(self, q):
        """Like UDP everywhere: "refused" when something that was sent has come there."""
        family, at = unpacked(q.address)
        if at not in self.greeted:
            one = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            one.connect((at[0], DISCARD))
            self.greeted[at] = one, 0
        one, when = self.greeted[at]
        try:
            if time.monotonic() - when > 0.1:
                self.greeted[at] = one, time.monotonic()
                one.send(b"")
            one.recv(1)
        except ConnectionRefusedError:
            one.close()
            del self.greeted[at]
            return 0
        return AGAIN

    def new(self, family, kind, flags):
        one = socket.socket(family, kind)
        if flags & NARROW:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        return one

    def connect(self, q):
        family, at = unpacked(q.address)
        one = self.new(family, socket.SOCK_STREAM, q.flags)
        handle = self.keep(one)
        error = one.connect_ex(at)
        if error not in (0, errno.EINPROGRESS):
            raise OSError(error, "connect")
        return handle

    def listen(self, q):
        family, at = unpacked(q.address)
        one = self.new(family, socket.SOCK_STREAM, q.flags)
        handle = self.keep(one)
        one.bind(at)
        one.listen(0 if q.flags & SILENT else BACKLOG)
        return handle, packed(family, one.getsockname())

    def accept(self, q):
        return self.keep(self.open[q.handle].accept()[0])

    def write(self, q):
        return self.open[q.handle].send(q.data)

    def read(self, q):
        data = self.open[q.handle].recv(q.room)
        return (len(data), None, data) if data else EOF

    def shutdown(self, q):
        self.open[q.handle].shutdown(socket.SHUT_WR)

    def close(self, q):
        self.open.pop(q.handle).close()

    def reset(self, q):
        self.open[q.handle].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close(q)

    def address(self, q):
        one = self.open[q.handle]
        return 0, packed(one.family, one.getsockname())

    def udp_open(self, q):
        family, at = unpacked(q.address)
        one = self.new(family, socket.SOCK_DGRAM, 0)
        handle = self.keep(one)
        one.bind(at)
        one.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, MIB)
        index = socket.if_nametoindex(self.tap)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        else:
            one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                           struct.pack("4s4si", bytes(4), bytes(4), index))
        return handle, packed(family, one.getsockname())

    def udp_send(self, q):
        return self.open[q.handle].sendto(q.data, unpacked(q.address)[1])

    def udp_recv(self, q):
        one = self.open[q.handle]
        try:
            data, at = one.recvfrom(q.room)
        except BlockingIOError:
            return AGAIN
        return len(data), packed(one.family, at), data


NAMES = ["begin", "greet", "connect", "listen", "accept", "write", "read", "shutdown", "close",
         "reset", "address", "udp_open", "udp_send", "udp_recv"]


class Question:
    def __init__(self, message):
        self.what, self.flags, self.handle, self.room, self.address = \
            QUESTION.unpack_from(message)
        self.data = message[QUESTION.size:]


class NetPeer:
    """Answers on a tap, in a thread, for as long as the `with` lasts."""

    def __init__(self, tap):
        self.sockets = Sockets(tap)
        for words in (["address", "add", "10.77.0.1/24", "dev", tap],
                      ["-6", "address", "add", "fd77::1/64", "nodad", "dev", tap]):
            subprocess.run(["ip", *words], check=True)
        with open(f"/proc/sys/net/ipv6/neigh/{tap}/retrans_time_ms", "w", encoding="utf-8") as file:
            file.write("50")
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE))
        self.wire.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 * MIB)
        self.wire.bind((tap, ETHERTYPE))
        self.wire.settimeout(0.2)
        self.pieces, self.last, self.answers = {}, None, []
        self.asked, self.again, self.ending = 0, 0, False
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending = True
        self.thread.join()
        self.sockets.begin(None)
        self.wire.close()

    def run(self):
        while not self.ending:
            try:
                frame, where = self.wire.recvfrom(2048)
            except TimeoutError:
                continue
            if where[2] != PACKET_OUTGOING and len(frame) >= HEAD.size:
                self.take(frame)

    def take(self, frame):
        _, asker, _, size, number, piece, pieces = HEAD.unpack_from(frame)
        if number == self.last:  # it has not seen the answer, or not all of it
            if piece + 1 == pieces:
                self.again += 1
                self.send()
            return
        if self.pieces and next(iter(self.pieces))[0] != number:
            self.pieces = {}
        self.pieces[number, piece] = frame[HEAD.size:HEAD.size + size]
        if len(self.pieces) < pieces:
            return
        message = b"".join(self.pieces[number, n] for n in range(pieces))
        self.pieces, self.last = {}, number
        self.asked += 1
        answer = self.answer(Question(message))
        parts = [answer[at:at + PIECE] for at in range(0, len(answer), PIECE)]
        self.answers = [HEAD.pack(asker, HERE, ETHERTYPE.to_bytes(2, "big"), len(part), number, n,
                                  len(parts)) + part for n, part in enumerate(parts)]
        self.send()

    def send(self):
        for frame in self.answers:
            self.wire.send(frame)

    def answer(self, question):
        """The message for it: a result, an address, and bytes, or what went wrong in words."""
        try:
            said = getattr(self.sockets, NAMES[question.what])(question)
        except OSError as error:
            said = ERRORS.get(error.errno, WRONG), None, str(error).encode()
        except Exception as error:  # for the guest to say, where the case that asked is known
            said = WRONG, None, repr(error).encode()
        said = said if isinstance(said, tuple) else (said or 0,)
        result, address, data = (*said, None, None)[:3]
        if result < 0 and result != WRONG:
            data = None
        return ANSWER.pack(result, address or bytes(24)) + (data or b"")
