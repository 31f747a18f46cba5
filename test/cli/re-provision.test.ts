import { KeyObject, type webcrypto, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { privateKeyToPem } from '../../certs/keys.ts';
import {
  bytes,
  type Client,
  connect,
  enumerated,
  type Identity,
  readIdentity,
  structure,
  text,
  valueOf,
} from '../client.ts';
import { KmipdProcess, runKmipd } from '../fixture/kmipd.ts';
import { clientKeys, requestOf } from '../protocol/operations/certificates/authority.ts';
import { tryDestroy } from './try-destroy.ts';

// Every test starts several processes, which takes long on a loaded machine.
t.setTimeout(900_000);

const args = ['serve', '--home', 'home', '--listen', '127.0.0.1:0'];

async function startDaemon(t: Tap) {
  const directory = t.testdir();
  const start = async () => {
    const daemon = new KmipdProcess(args, { cwd: directory });
    t.teardown(() => daemon.end('SIGKILL'));
    return { daemon, ...(await daemon.ready()) };
  };
  return { directory, demo: join(directory, 'home', 'clients', 'demo'), start, ...(await start()) };
}
type Tap = Pick<typeof t, 'testdir' | 'teardown'>;

const certificateRequest = (der: Uint8Array) => [
  structure(
    'CertificateRequest',
    enumerated('CertificateRequestType', 2),
    bytes('CertificateRequestValue', der),
  ),
];

const identifierOf = (answer: Parameters<typeof valueOf>[0]) =>
  valueOf(answer, 'BatchItem', 'ResponsePayload', 'UniqueIdentifier') as string;

/** Re-Provision with a certificate request, and the certificate fetched on the same connection. */
async function reprovision(client: Client, keys: webcrypto.CryptoKeyPair): Promise<Identity['cert']> {
  const { der } = await requestOf({ keys });
  const answer = await client.request('2.1', [
    { operation: 'ReProvision', payload: certificateRequest(der) },
  ]);
  const payload = [text('UniqueIdentifier', identifierOf(answer))];
  const got = await client.request('2.1', [{ operation: 'Get', payload }]);
  const raw = valueOf(got, 'BatchItem', 'ResponsePayload', 'Certificate', 'CertificateValue') as Uint8Array;
  return new X509Certificate(raw).toString();
}

function keyPem({ privateKey }: webcrypto.CryptoKeyPair): string {
  return privateKeyToPem(KeyObject.from(privateKey));
}

t.test('a client replaces its certificate', async (t) => {
  const { directory, demo, daemon, port, start } = await startDaemon(t);
  const old = await readIdentity(demo);
  const client = await connect({ port, ...old });
  const bystander = await connect({ port, ...old });
  const cut = new Promise((resolve) => bystander.socket.once('close', resolve));
  const keys = await clientKeys();
  const cert = await reprovision(client, keys);
  await cut;
  const identity: Identity = { ca: old.ca, cert, key: keyPem(keys) };
  t.equal(await tryDestroy(port, identity), 'permitted', 'the new certificate lets it in');
  t.equal(await tryDestroy(port, old), 'refused', 'the old one no longer');
  await client.close();
  t.match(
    await daemon.waitForOutput(/^.*a client replaced its certificate.*$/m),
    /"client":"demo".*"before":"[0-9a-f]{64}","object":"[^"]+","by":"/,
  );
  const shown = await runKmipd(directory, 'client', 'show', 'demo', '--home', 'home');
  t.match(shown.output, cert.trim(), 'the operator sees it');
  await daemon.end();
  const again = await start();
  t.equal(await tryDestroy(again.port, identity), 'permitted');
  t.equal(await tryDestroy(again.port, old), 'refused');
});

t.test('a daemon that is killed meanwhile leaves the old or the new certificate, never none', async (t) => {
  const { demo, start, ...first } = await startDaemon(t);
  let { daemon, port } = first;
  let identity = await readIdentity(demo);
  const came: string[] = [];
  for (const milliseconds of [20, 80, 140, 200, 300, 500]) {
    const client = await connect({ port, ...identity });
    const keys = await clientKeys();
    const { der } = await requestOf({ keys });
    const [answer] = await Promise.all([
      client
        .request('2.1', [{ operation: 'ReProvision', payload: certificateRequest(der) }])
        .catch(() => undefined),
      sleep(milliseconds).then(() => daemon.end('SIGKILL')),
    ]);
    ({ daemon, port } = await start());
    const shown = await runKmipd(t.testdirName, 'client', 'show', 'demo', '--home', 'home');
    const [cert = ''] =
      /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/.exec(shown.output) ?? [];
    const isOld = new X509Certificate(cert).raw.equals(new X509Certificate(identity.cert).raw);
    came.push(isOld ? 'old' : 'new');
    if (answer !== undefined) t.notOk(isOld, 'what was answered has happened');
    const renewed: Identity = { ca: identity.ca, cert, key: isOld ? identity.key : keyPem(keys) };
    t.equal(await tryDestroy(port, renewed), 'permitted', `killed after ${milliseconds} ms: ${came.at(-1)}`);
    if (!isOld) t.equal(await tryDestroy(port, identity), 'refused');
    identity = renewed;
  }
  t.comment(came.join(' '));
});
