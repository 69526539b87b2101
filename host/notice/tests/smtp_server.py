"""A mail server for the tests, on a port of its own of this machine.

Its standard output is lines of JSON: first {"port": ...}, then one for every mail that it took, read with Python's own
parser instead of the one under test. Lines on its standard input are orders; it ends when that is closed.

What it makes of a recipient is said by the part before the @:
    nobody   refused for good            later   refused for now
    full     the mail is refused         drop    the connection breaks before the mail is acknowledged, once
"""

import argparse
import asyncio
import json
import ssl
import sys
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP, AuthResult

connections = []


def say(**what):
    print(json.dumps(what), flush=True)


def part(message, kind):
    body = message.get_body(preferencelist=(kind,))
    return None if body is None else body.get_content()


class Handler:
    def __init__(self):
        self.dropped = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name == "nobody":
            return "550 5.1.1 <%s>: there is no such mailbox" % address
        if name == "later":
            return "451 4.7.1 Greylisted, please try again in 5 minutes"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        recipient = envelope.rcpt_tos[0]
        if recipient.startswith("full@"):
            return "552 5.2.2 The mailbox is full"
        message = message_from_bytes(envelope.original_content, policy=policy.default)
        leaves = [leaf for leaf in message.walk() if not leaf.is_multipart()]
        say(
            sender=envelope.mail_from,
            recipient=recipient,
            login=session.auth_data,
            tls=session.ssl is not None or server.transport.get_extra_info("cipher") is not None,
            hello=session.host_name,
            connection=session.peer[1],
            headers={name.lower(): str(value) for name, value in message.items()},
            kinds=[leaf.get_content_type() for leaf in leaves],
            charsets=[leaf.get_content_charset() for leaf in leaves],
            date=message["date"].datetime.isoformat(),
            text=part(message, "plain"),
            html=part(message, "html"),
            defects=[str(defect) for leaf in message.walk() for defect in leaf.defects],
            longest=max(map(len, envelope.original_content.split(b"\r\n"))),
            ascii=envelope.original_content.isascii(),
        )
        if recipient.startswith("drop@") and recipient not in self.dropped:
            self.dropped.add(recipient)
            server.transport.abort()
        return "250 2.0.0 Taken"


def authenticator(user, password):
    def check(server, session, envelope, mechanism, data):
        if (data.login.decode(), data.password.decode()) == (user, password):
            return AuthResult(success=True, auth_data=user)
        return AuthResult(success=False, handled=False)

    return check


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--security", choices=["none", "starttls", "implicit"], default="none")
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--ascii-addresses", action="store_true")
    options = parser.parse_args()

    context = None
    if options.security != "none":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate, options.key)
    settings = {"hostname": "mail.example.com", "enable_SMTPUTF8": not options.ascii_addresses}
    if options.security == "starttls":
        settings |= {"tls_context": context, "require_starttls": True}
    if options.user:
        settings |= {
            "authenticator": authenticator(options.user, options.password),
            "auth_required": True,
            "auth_require_tls": options.security == "starttls",
        }
    handler = Handler()

    def connected():
        connection = SMTP(handler, **settings)
        connections.append(connection)
        return connection

    loop = asyncio.get_running_loop()
    wrapped = context if options.security == "implicit" else None
    server = await loop.create_server(connected, "127.0.0.1", 0, ssl=wrapped)
    say(port=server.sockets[0].getsockname()[1])
    while order := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        if order == "drop":
            for connection in connections:
                if connection.transport is not None:
                    connection.transport.abort()
            say(dropped=len(connections))
    server.close()


asyncio.run(main())
