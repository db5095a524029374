"""What stands before the brokers of a test cluster and asks for TLS, a login, or both.

The login is that of `scramp`, which has nothing in common with Castellan's own. What comes after it goes to the broker as it is.
"""

import asyncio
import ssl
import struct

from scramp import ScramMechanism

HANDSHAKE, VERSIONS, AUTHENTICATE = 17, 18, 36
USERS = {"ann": "s3cret, with a comma", "$ConnectionString": "Endpoint=sb://harbour/;SharedAccessKey=AbC="}


def text(value):
    return struct.pack(">h", len(value)) + value.encode()


class Login:
    """The server's side of a mechanism."""

    def __init__(self):
        self.scram = None
        self.is_done = False

    def handshake(self, name):
        if name.startswith("SCRAM-"):
            mechanism = ScramMechanism(name)

            def look_up(user):
                salt, stored, server, rounds = mechanism.make_auth_info(USERS[user], iteration_count=5_000)
                return salt, stored, server, rounds

            self.scram = mechanism.make_server(look_up)
        known = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
        code = 0 if name in known else 33
        return struct.pack(">hi", code, len(known)) + b"".join(map(text, known))

    def authenticate(self, token):
        try:
            if self.scram is None:
                _, user, password = token.decode().split("\0")
                assert USERS.get(user) == password
                self.is_done, answer = True, ""
            elif self.scram.stage is None:
                self.scram.set_client_first(token.decode())
                answer = self.scram.get_server_first()
            else:
                self.scram.set_client_final(token.decode())
                answer = self.scram.get_server_final()
                self.is_done = True
        except Exception:
            return struct.pack(">h", 58) + text("the name or the password is wrong") + struct.pack(">i", 0)
        return struct.pack(">hh", 0, -1) + struct.pack(">i", len(answer)) + answer.encode()


async def frame(reader):
    (length,) = struct.unpack(">i", await reader.readexactly(4))
    return await reader.readexactly(length)


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


async def serve(reader, writer, target, asks):
    login = Login()
    broker_reader, broker_writer = await asyncio.open_connection(*target)
    try:
        while asks and not login.is_done:
            request = await frame(reader)
            key, version, call, length = struct.unpack(">hhih", request[:10])
            body = request[10 + max(length, 0):]
            if key == VERSIONS:
                # Asked for in the oldest form, so that what is added to the answer has one form.
                head = struct.pack(">hhih", VERSIONS, 0, call, -1)
                broker_writer.write(struct.pack(">i", len(head)) + head)
                answer = (await frame(broker_reader))[4:]
                (count,) = struct.unpack(">i", answer[2:6])
                more = struct.pack(">hhh", HANDSHAKE, 0, 1) + struct.pack(">hhh", AUTHENTICATE, 0, 0)
                answer = answer[:2] + struct.pack(">i", count + 2) + answer[6:] + more
                if version > 0:
                    answer = struct.pack(">h", 35) + answer[2:]
            elif key == HANDSHAKE:
                (length,) = struct.unpack(">h", body[:2])
                answer = login.handshake(body[2 : 2 + length].decode())
            elif key == AUTHENTICATE:
                answer = login.authenticate(body[4:])
            else:
                # Who asks for anything else is not logged in.
                break
            writer.write(struct.pack(">ii", len(answer) + 4, call) + answer)
            await writer.drain()
        if login.is_done or not asks:
            await asyncio.gather(pump(reader, broker_writer), pump(broker_reader, writer))
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()
        broker_writer.close()


async def fronts(targets, certificate, key, asks, opened):
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    servers = []
    for target in targets:
        handle = lambda reader, writer, target=target: serve(reader, writer, target, asks)
        servers.append(await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context))
    opened([server.sockets[0].getsockname()[1] for server in servers])
    await asyncio.gather(*(server.serve_forever() for server in servers))


def start(targets, certificate, key, asks):
    """Ports of what stands before these brokers, in a thread of its own."""
    import queue
    import threading

    ports = queue.Queue()
    run = lambda: asyncio.run(fronts(targets, certificate, key, asks, ports.put))
    threading.Thread(target=run, daemon=True).start()
    return ports.get(timeout=10)
