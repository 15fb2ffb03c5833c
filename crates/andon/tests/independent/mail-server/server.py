"""A mail server that insists on TLS and a password, and keeps what it takes as files, decoded as people read it.

usage: server.py <folder>, with certificate.pem and key.pem in it; letters go to <folder>/letters. While <folder>/busy
is there, every letter is put off; with <folder>/drops, the next letter is taken and the connection dropped before the
answer. The port is printed once it listens.
"""

import asyncio
import email
import email.policy
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

FOLDER = sys.argv[1]


def path(*parts):
    return os.path.join(FOLDER, *parts)


class Letters:
    def __init__(self):
        self.count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == "nobody@plant.example":
            return "550 5.1.1 there is nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 it is known"

    async def handle_DATA(self, server, session, envelope):
        if os.path.exists(path("busy")):
            return "451 4.3.2 come back later"
        self.keep(envelope.content)
        if os.path.exists(path("drops")):
            os.remove(path("drops"))
            server.transport.abort()
        return "250 taken"

    def keep(self, content):
        self.count += 1
        kept = path("letters", f"{self.count}.eml")
        letter = email.message_from_bytes(content, policy=email.policy.default)
        with open(kept + ".part", "w") as file:
            file.writelines(f"{name}: {value}\n" for name, value in letter.items())
            file.write("\n" + letter.get_content())
        os.rename(kept + ".part", kept)


def authenticate(server, session, envelope, mechanism, data):
    success = (data.login, data.password) == (b"andon", b"s3cret-of-the-mail-server")
    return AuthResult(success=success, handled=False)


async def main():
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(path("certificate.pem"), path("key.pem"))
    letters = Letters()
    loop = asyncio.get_running_loop()

    def conversation():
        return SMTP(
            letters,
            tls_context=tls,
            require_starttls=True,
            auth_required=True,
            authenticator=authenticate,
            hostname="localhost",
            loop=loop,
        )

    listening = await loop.create_server(conversation, "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await listening.serve_forever()


asyncio.run(main())
