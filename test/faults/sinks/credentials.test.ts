import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createAuthority, issueServer } from '../../../certs/issue.ts';
import { generateKey, openAuthority, privateKeyToPem } from '../../../certs/keys.ts';
import type { AuditSinkSettings } from '../../../src/common/audit-sink-settings.ts';
import { inspectAuditSinks } from '../../../src/daemon/audit-sinks.ts';
import { authority, directory, files, http, server, syslog } from './kinds.ts';
import { MemoryLog } from './memory-log.ts';
import { findDisorder, HttpPeer, type Peer, SyslogPeer } from './peers.ts';
import { startSinks } from './start-sinks.ts';

t.setTimeout(240_000);

const strangerKey = await generateKey('ec');
const stranger = openAuthority(await createAuthority('Stranger', strangerKey), strangerKey);
const serverKey = await generateKey('ec');
const key = privateKeyToPem(serverKey);
const ca = authority.certificate;
const year = 31_536_000_000;

/** Servers that a sink must not deliver to, and the reason that the operator gets. */
const wrongServers = {
  'of a foreign authority': {
    tls: { cert: await issueServer(stranger, serverKey, ['localhost', '127.0.0.1']), key, ca },
    reason: /the authority of the server is not trusted; name it as "ca"$/,
  },
  'for another host name': {
    tls: { cert: await issueServer(authority, serverKey, ['siem.example.com']), key, ca },
    reason: /the certificate of the server is for another host name$/,
  },
  'that has expired': {
    tls: {
      cert: await issueServer(
        authority,
        serverKey,
        ['localhost', '127.0.0.1'],
        new Date(Date.now() - 3 * year),
      ),
      ...{ key, ca },
    },
    reason: /the certificate of the server has expired$/,
  },
  'that does not use TLS': {
    tls: undefined,
    reason: /(does not answer|does the server use TLS on this port\?)$/,
  },
};

type Files = typeof files;

const kinds: Readonly<
  Record<string, { create(tls?: typeof server): Peer; settings(peer: Peer, files: Files): AuditSinkSettings }>
> = {
  syslog: {
    create: (tls) => new SyslogPeer(tls === undefined ? {} : { tls }),
    settings: ({ port }, each) => syslog({ transport: 'tls', host: '127.0.0.1', port }, each),
  },
  https: {
    create: (tls) => new HttpPeer(false, tls === undefined ? {} : { tls }),
    settings: ({ port }, each) => http('https', `https://127.0.0.1:${port}/audit?key=canary-query`, each),
  },
};

for (const [kind, { create, settings }] of Object.entries(kinds)) {
  for (const [what, { tls, reason }] of Object.entries(wrongServers))
    t.test(`${kind}: nothing is delivered to a server with a certificate ${what}`, async (t) => {
      const wrong = create(tls);
      await wrong.listen();
      t.teardown(() => wrong.stop());
      const log = new MemoryLog();
      // A server without TLS may wait for more, so only this attempt has to time out.
      const timeoutSeconds = tls === undefined ? 0.3 : 600;
      const started = startSinks(t, log, [{ ...settings(wrong, files), timeoutSeconds }]);
      log.append(10);
      await started.until('sinkFailed');
      await wrong.until(() => wrong.connections >= 3);
      t.match(started.of('sinkFailed')[0]?.['reason'], reason);
      t.same(wrong.received, []);
      t.equal(started.sinks.status()[0]?.backlog, 10);
      t.notMatch(JSON.stringify(started.events), /canary/);
    });

  t.test(`${kind}: a server that wants a certificate gets entries once there is one`, async (t) => {
    const peer = create(server);
    await peer.listen();
    t.teardown(() => peer.stop());
    const log = new MemoryLog();
    const none = { ...files, certificate: undefined, key: undefined } as unknown as Files;
    const started = startSinks(t, log, [settings(peer, none)]);
    log.append(10);
    await started.until('sinkFailed');
    t.match(started.of('sinkFailed')[0]?.['reason'], /wants a certificate|has closed the connection/);
    t.equal(started.sinks.status()[0]?.backlog, 10, 'TLS 1.3 refuses after the handshake; nothing is lost');
    started.sinks.configure([settings(peer, files)]);
    await peer.untilReceived(9);
    t.equal(findDisorder(peer.received, 10), undefined);
  });

  t.test(`${kind}: a key that others can read is not used`, async (t) => {
    const peer = create(server);
    await peer.listen();
    t.teardown(() => peer.stop());
    const exposed = join(directory, `exposed-${kind}.pem`);
    writeFileSync(exposed, privateKeyToPem(serverKey), { mode: 0o640 });
    const log = new MemoryLog();
    const each = settings(peer, { ...files, key: exposed });
    const started = startSinks(t, log, [each]);
    log.append(1);
    await started.until('sinkFailed');
    t.equal(
      started.of('sinkFailed')[0]?.['reason'],
      `the private key ${exposed}: mode 0640, others can read it: chmod 600 it`,
    );
    t.equal(peer.connections, 0);
    t.match(inspectAuditSinks([each]), [/^audit sink siem: the private key .*chmod 600 it$/]);
    chmodSync(exposed, 0o600);
    await started.until('sinkFailed', 1);
    t.match(inspectAuditSinks([each]), [/the key belongs to another certificate$/]);
    t.same(inspectAuditSinks([settings(peer, files)]), []);
  });
}

t.test('tokens that cannot be used are named, and those that are replaced are used', async (t) => {
  const peer = new HttpPeer(false, { tls: server });
  await peer.listen();
  t.teardown(() => peer.stop());
  const log = new MemoryLog();
  const tokenFile = join(directory, 'rotating');
  const each = { ...http('https', `https://localhost:${peer.port}/`, files), tokenFile } as AuditSinkSettings;
  const started = startSinks(t, log, [each]);
  log.append(1);
  await started.until('sinkFailed');
  t.match(started.of('sinkFailed')[0]?.['reason'], /^the token .*: there is no such file or directory$/);
  writeFileSync(tokenFile, 'two words\n', { mode: 0o600 });
  t.match(inspectAuditSinks([each]), [/the token .* is no bearer token \(RFC 6750\)$/]);
  writeFileSync(tokenFile, 'canary-one\r\n');
  await started.until('sinkWorks');
  writeFileSync(tokenFile, 'canary-two');
  Object.assign(peer, { behaviour: 'fail', status: 401 });
  log.append(1);
  await started.until('sinkFailed', 2);
  t.match(started.of('sinkFailed')[1]?.['reason'], /answers 401; is the token in "tokenFile" valid\?$/);
  peer.behaviour = 'serve';
  await started.until('sinkWorks', 2);
  const used = peer.requests.map(({ headers }) => headers.authorization);
  t.equal(used[0], 'Bearer canary-one');
  t.equal(used.at(-1), 'Bearer canary-two');
  t.notMatch(JSON.stringify(started.events), /canary/);
});

t.test('a datagram socket is named as such', async (t) => {
  const path = join(directory, 'datagram.sock');
  const code = `import socket,sys
s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM);s.bind(sys.argv[1]);print("bound",flush=True);sys.stdin.read()`;
  const child = spawn('python3', ['-c', code, path], { stdio: ['pipe', 'pipe', 'ignore'] });
  t.teardown(() => child.kill());
  const [isBound] = await Promise.race([
    once(child.stdout, 'data').then(() => [true]),
    once(child, 'error').then(() => [false]),
  ]);
  if (!isBound) return void t.test('python3', { skip: 'it is not installed' }, async () => {});
  const log = new MemoryLog();
  const started = startSinks(t, log, [syslog({ transport: 'unix', path })]);
  log.append(1);
  await started.until('sinkFailed');
  t.match(
    started.of('sinkFailed')[0]?.['reason'],
    /datagram\.sock: this is a datagram socket, and kmipd uses stream/,
  );
});
