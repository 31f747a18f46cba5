import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, issueClient, issueServer } from '../../../certs/issue.ts';
import { generateKey, openAuthority, privateKeyToPem } from '../../../certs/keys.ts';
import { formatJsonLine } from '../../../src/audit/sinks/formats/json-lines.ts';
import { createOutput } from '../../../src/audit/sinks/outputs/create-output.ts';
import { SyslogOutput } from '../../../src/audit/sinks/outputs/syslog-output.ts';
import type { AuditSinkSettings } from '../../../src/common/audit-sink-settings.ts';
import { common, noTls } from './memory-log.ts';
import { HttpPeer, type Peer, SyslogPeer } from './peers.ts';

/** A temporary directory for certificates, sockets and homes. */
export const directory = mkdtempSync(join(tmpdir(), 'kmipd-sinks-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));

const write = (name: string, content: string, mode = 0o600): string => {
  writeFileSync(join(directory, name), content, { mode });
  return join(directory, name);
};

const authorityKey = await generateKey('ec');
export const authority = openAuthority(await createAuthority('Sinks', authorityKey), authorityKey);
const serverKey = await generateKey('ec');
export const server = {
  cert: await issueServer(authority, serverKey, ['localhost', '127.0.0.1']),
  key: privateKeyToPem(serverKey),
  ca: authority.certificate,
};
const client = await issueClient(authority, 'kmipd');
export const files = {
  ca: write('ca.pem', authority.certificate),
  certificate: write('cert.pem', client.certificate),
  key: write('key.pem', privateKeyToPem(client.key)),
};
export const token = write('token', 'canary-token\n');

const source = { node: 'n', hostName: 'h', version: '1' };

/** Outputs with times for tests: a new connection is watched for 20 ms. */
export function create(settings: AuditSinkSettings) {
  if (settings.type !== 'syslog') return createOutput(settings, source);
  return new SyslogOutput(settings, formatJsonLine, { hostName: 'h', version: '1', processId: 1 }, 20);
}

export interface Kind {
  readonly peer: Peer;
  settings(): AuditSinkSettings;
}

let numberOfSockets = 0;

/** One peer of each kind of output. */
export const kinds: Readonly<Record<string, () => Kind>> = {
  'syslog by TCP': () => {
    const peer = new SyslogPeer();
    const settings = () => syslog({ transport: 'tcp', host: '127.0.0.1', port: peer.port });
    return { peer, settings };
  },
  'syslog by TLS': () => {
    const peer = new SyslogPeer({ tls: server });
    const settings = () => syslog({ transport: 'tls', host: '127.0.0.1', port: peer.port }, files);
    return { peer, settings };
  },
  'syslog by a Unix socket': () => {
    numberOfSockets += 1;
    const path = join(directory, `${numberOfSockets}.sock`);
    return { peer: new SyslogPeer({ path }), settings: () => syslog({ transport: 'unix', path }) };
  },
  https: () => {
    const peer = new HttpPeer(false, { tls: server });
    return { peer, settings: () => http('https', `https://localhost:${peer.port}/audit`, files) };
  },
  otlp: () => {
    const peer = new HttpPeer(true);
    return { peer, settings: () => http('otlp', `http://127.0.0.1:${peer.port}/v1/logs`, noTls) };
  },
};

export const syslog = (
  address: Extract<AuditSinkSettings, { type: 'syslog' }>['address'],
  tls = noTls as typeof noTls | typeof files,
): AuditSinkSettings => ({
  ...common,
  ...tls,
  ...{ name: 'siem', type: 'syslog', format: 'json', facility: 'local0', address },
});

export const http = (
  type: 'https' | 'otlp',
  url: string,
  tls: typeof noTls | typeof files,
): AuditSinkSettings => ({
  ...common,
  ...tls,
  ...{ name: 'siem', type, url, tokenFile: token },
});
