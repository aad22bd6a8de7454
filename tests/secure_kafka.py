"""An Apache Kafka that wants TLS, a password (SCRAM) and rights (ACLs), with certificates of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stream.bench.apache import ApacheKafka

ADMIN, PASSWORD = ("admin", "admin-secret"), "secret"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=SASL_SSL://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=SASL_SSL://127.0.0.1:{port}
listener.security.protocol.map=SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=SASL_SSL
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=@MODULE@ required username="admin" password="admin-secret";
ssl.keystore.type=PEM
ssl.keystore.location={folder}/server.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.pem
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin;User:ANONYMOUS
allow.everyone.if.no.acl.found=false
log.dirs={folder}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
group.initial.rebalance.delay.ms=0
""".replace("@MODULE@", _SCRAM)


@dataclass(frozen=True, slots=True)
class SecureKafka:
    """The broker, its CA, and a file with which its tools sign in as the administrator."""

    broker: ApacheKafka
    ca: Path
    other_ca: Path
    admin: Path

    def allow(self, names: Iterable[str], *words: str) -> None:
        """Grant rights, in the words of kafka-acls.sh."""
        who = [word for name in names for word in ("--allow-principal", f"User:{name}")]
        self._tool("kafka-acls.sh", "--add", *who, *words)

    def _tool(self, name: str, *words: str) -> None:
        where = ("--bootstrap-server", self.broker.bootstrap, "--command-config", str(self.admin))
        self.broker.tool(name, *where, *words)


@contextmanager
def secure_kafka(home: Path, folder: Path, users: Iterable[str]) -> Iterator[SecureKafka]:
    """Start one and stop it at the end. `users` sign in with PASSWORD, and may do nothing yet."""
    _make_certificates(folder)
    broker = ApacheKafka(home, folder, PROPERTIES)
    known = [ADMIN, *((name, PASSWORD) for name in users)]
    # Known from the start: each tool that is run later is a Java of its own.
    scram = [f"SCRAM-SHA-512=[name={name},password={password}]" for name, password in known]
    broker.format(*(word for each in scram for word in ("--add-scram", each)))
    broker.start()
    admin = folder / "admin.properties"
    admin.write_text(
        "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n"
        f'sasl.jaas.config={_SCRAM} required username="{ADMIN[0]}" password="{ADMIN[1]}";\n'
        f"ssl.truststore.type=PEM\nssl.truststore.location={folder / 'ca.pem'}\n"
    )
    try:
        yield SecureKafka(broker, folder / "ca.pem", folder / "other.pem", admin)
    finally:
        broker.stop()


def _make_certificates(folder: Path) -> None:
    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    for name in ("ca", "other"):
        openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
            *("-keyout", f"{name}.key", "-out", f"{name}.pem"),
        )
    openssl(
        *("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"),
        *("-keyout", "server.key", "-out", "server.csr"),
    )
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl(
        *("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
        *("-days", "2", "-extfile", "names", "-out", "server.crt"),
    )
    openssl("pkcs8", "-topk8", "-nocrypt", "-in", "server.key", "-out", "server.pem")
    with (folder / "server.pem").open("a") as chain:
        chain.write((folder / "server.crt").read_text())
