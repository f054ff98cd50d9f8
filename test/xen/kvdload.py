# SPDX-License-Identifier: ISC
"""A client of kvd that knows what must be in the store, whenever the store's power is cut.

A Writer has keys of its own and one connection. It sets and removes them again and again, with many
commands on their way, and remembers for each key what was acknowledged last and what was sent since.
After a cut a key holds one of these, whole: check() says so, and goes on from what was found.
"""

import random
import select
import socket

KEYS, PAIRS = 60, 6
IN_FLIGHT = 48
LONGEST = 24 << 10  # of a value; most are short


def command(*words):
    """As clients send it: an array of strings."""
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


class Client:
    """One connection to kvd."""

    def __init__(self, port, seconds=60):
        self.socket = socket.create_connection(("127.0.0.1", port), seconds)
        self.data = b""

    def close(self):
        self.socket.close()

    def more(self):
        data = self.socket.recv(1 << 18)
        if not data:
            raise ConnectionError("kvd has closed the connection")
        self.data += data

    def take(self):
        """The next reply if all of it is here, and it is not waited for: (reply,) or None."""
        reply = self.parse(0)
        if reply:
            self.data = self.data[reply[1]:]
        return reply and reply[:1]

    def parse(self, at):
        """(reply, its end), or None. Errors are texts that begin with "-"."""
        end = self.data.find(b"\r\n", at)
        if end < 0:
            return None
        kind, rest, at = self.data[at:at + 1], self.data[at + 1:end], end + 2
        if kind in b"+-":
            return kind.replace(b"+", b"") + rest, at
        if kind == b":":
            return int(rest), at
        if kind == b"$":
            size = int(rest)
            if size < 0:
                return None, at
            return (self.data[at:at + size], at + size + 2) if len(self.data) >= at + size + 2 else None
        if kind != b"*":
            raise ValueError(f"no reply begins with {kind!r}")
        items = []
        for _ in range(int(rest)):
            item = self.parse(at)
            if item is None:
                return None
            items.append(item[0])
            at = item[1]
        return items, at

    def reply(self):
        while True:
            taken = self.take()
            if taken:
                return taken[0]
            self.more()

    def ask(self, *words):
        self.socket.sendall(command(*words))
        return self.reply()


class Writer:
    """What one client has written into a store, over all the connections that it has had.

    Each write has a number, and a value follows from it; None is a key that is not there. Pairs are
    set by one MSET, and so hold one number.
    """

    def __init__(self, name, seed):
        self.name, self.seed = name, seed
        self.random = random.Random(f"{seed} {name}")
        self.number = self.acked = 0
        self.sure = {}   # key: number of the last write that was acknowledged, or found
        self.later = {}  # key: numbers of those sent after it; negative: it was removed
        self.on_way = []  # writes without an answer: (number, keys, the answer that they shall get)
        self.client = None

    def value(self, number):
        size = random.Random(f"{self.seed} {self.name} {number}").choice((0, 20, 200, 2000, LONGEST))
        head = b"%s %d %d " % (self.name.encode(), number, size)
        return head + (head * (size // len(head) + 1))[:size]

    def keys(self):
        return [f"{self.name}:{n}" for n in range(KEYS)] + \
               [f"{self.name}:pair{n}:{side}" for n in range(PAIRS) for side in "ab"]

    def connect(self, port):
        self.client = Client(port)

    def next_write(self):
        """Some write's bytes; it counts as sent."""
        self.number += 1
        number, dice = self.number, self.random.randrange(10)
        if dice == 0:
            n = self.random.randrange(PAIRS)
            keys = [f"{self.name}:pair{n}:{side}" for side in "ab"]
            value = self.value(number)
            text, wanted = command("MSET", keys[0], value, keys[1], value), (b"OK",)
        else:
            keys = [f"{self.name}:{self.random.randrange(KEYS)}"]
            if dice == 1:
                text, wanted, number = command("DEL", keys[0]), (0, 1), -number
            else:
                text, wanted = command("SET", keys[0], self.value(number)), (b"OK",)
        for key in keys:
            self.later.setdefault(key, []).append(number)
        self.on_way.append((number, keys, wanted))
        return text

    def fill(self):
        """Sends until enough is on its way."""
        text = b"".join(self.next_write() for _ in range(IN_FLIGHT - len(self.on_way)))
        if text:
            self.client.socket.sendall(text)

    def take_answers(self):
        """What has come, after a wait for it."""
        self.client.more()
        while True:
            taken = self.client.take()
            if not taken:
                return
            number, keys, wanted = self.on_way.pop(0)
            if taken[0] not in wanted:
                raise AssertionError(f"write {number} to {keys}: {taken[0]!r}")
            self.acked += 1
            for key in keys:
                self.sure[key] = number
                self.later[key] = self.later[key][self.later[key].index(number) + 1:]

    def cut(self):
        """The store's power has been cut, or it was closed."""
        self.client.close()
        self.client, self.on_way = None, []

    def check(self, client):
        """Compares a store with what it must hold. Returns how many of this writer's keys are there."""
        keys = self.keys()
        found = dict(zip(keys, client.ask("MGET", *keys)))
        for key, value in found.items():
            may = [self.sure.get(key, 0)] + self.later.get(key, [])
            number = next((one for one in reversed(may)
                           if value == (self.value(one) if one > 0 else None)), None)
            if number is None:
                raise AssertionError(
                    f"{key} holds {value and value[:60]!r}, and not what one of the writes {may[:9]} "
                    f"has left, of which the first was acknowledged (seed {self.seed})")
            self.sure[key] = number
        for n in range(PAIRS):
            one, other = (found[f"{self.name}:pair{n}:{side}"] for side in "ab")
            if one != other:
                raise AssertionError(f"half of an MSET is there: {self.name}:pair{n} "
                                     f"(seed {self.seed})")
        self.later = {}
        return sum(value is not None for value in found.values())


def load(writers, until):
    """Lets all of them write until until() is true; it is asked after each batch of answers."""
    of = {writer.client.socket: writer for writer in writers}
    for writer in writers:
        writer.fill()
    while not until():
        for ready in select.select(list(of), [], [], 0.02)[0]:
            of[ready].take_answers()
            of[ready].fill()
