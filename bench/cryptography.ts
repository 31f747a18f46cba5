import { xmlToNodes } from '../codec/wire/xml.ts';
import { defaultLimits } from '../src/common/limits.ts';
import { type Client, connect, decode, encode, valueOf } from '../test/client.ts';
import { Bench, heading, hex, row, run } from './daemon.ts';

/** What the server's own cryptography costs: beside the echo, beside OpenSSL, and what it does to others. */

type Item = readonly [operation: string, payload: string];

/** A 2.1 message, its payloads in the words of the XML encoding. */
function message(...items: readonly Item[]): Uint8Array {
  const batch = items.map(
    ([operation, payload]) =>
      `<BatchItem><Operation type="Enumeration" value="${operation}"/><RequestPayload>${payload}</RequestPayload></BatchItem>`,
  );
  const [node] = xmlToNodes(
    `<RequestMessage><RequestHeader><ProtocolVersion><ProtocolVersionMajor type="Integer" value="2"/><ProtocolVersionMinor type="Integer" value="1"/></ProtocolVersion><BatchCount type="Integer" value="${items.length}"/></RequestHeader>${batch.join('')}</RequestMessage>`,
    { ...defaultLimits, bytes: defaultLimits.requestBytes },
  );
  if (node === undefined) throw new Error('no message');
  return encode(node);
}

const named = (id: string) => `<UniqueIdentifier type="TextString" value="${id}"/>`;
const active = '<ActivationDate type="DateTime" value="2020-01-01T00:00:00Z"/>';
const data = (bytes: Uint8Array) => `<Data type="ByteString" value="${hex(bytes)}"/>`;
const mask = (bits: string) => `<CryptographicUsageMask type="Integer" value="${bits}"/>`;
const algorithm = (name: string) => `<CryptographicAlgorithm type="Enumeration" value="${name}"/>`;

function pair(name: string, uses: readonly [privateUse: string, publicUse: string], more = ''): Item {
  return [
    'CreateKeyPair',
    `<CommonAttributes>${algorithm(name)}${more}${active}</CommonAttributes><PrivateKeyAttributes>${mask(uses[0])}</PrivateKeyAttributes><PublicKeyAttributes>${mask(uses[1])}</PublicKeyAttributes>`,
  ];
}

async function ask(client: Client, item: Item) {
  const answer = decode(await client.send(message(item)));
  const at = (...path: Parameters<typeof valueOf> extends [unknown, ...infer P] ? P : never) =>
    valueOf(answer, 'BatchItem', ...path);
  if (at('ResultStatus') !== 0) throw new Error(`${item[0]}: ${String(at('ResultMessage'))}`);
  return (...path: Parameters<typeof at>) => at('ResponsePayload', ...path);
}

const length = (bits: number) => `<CryptographicLength type="Integer" value="${bits}"/>`;
const oaep =
  '<CryptographicParameters><PaddingMethod type="Enumeration" value="OAEP"/><HashingAlgorithm type="Enumeration" value="SHA_256"/></CryptographicParameters>';
const gcm =
  '<CryptographicParameters><BlockCipherMode type="Enumeration" value="GCM"/><TagLength type="Integer" value="16"/></CryptographicParameters>';

/** Requests of all rows, made with keys that the daemon has just made. */
async function requests(client: Client) {
  const aes = await ask(client, [
    'Create',
    `<ObjectType type="Enumeration" value="SymmetricKey"/><Attributes>${algorithm('AES')}${length(256)}${mask('Encrypt Decrypt')}${active}</Attributes>`,
  ]);
  const rsa = await ask(client, pair('RSA', ['Decrypt', 'Encrypt'], length(2048)));
  const dsa = await ask(client, pair('ML_DSA_65', ['Sign', 'Verify']));
  const kem = await ask(client, pair('ML_KEM_768', ['Decrypt', 'Encrypt']));
  const halves = (of: typeof rsa) =>
    [String(of('PrivateKeyUniqueIdentifier')), String(of('PublicKeyUniqueIdentifier'))] as const;
  const [rsaPrivate, rsaPublic] = halves(rsa);
  const [kemPrivate, kemPublic] = halves(kem);
  const secret = await ask(client, ['Encrypt', `${named(rsaPublic)}${oaep}${data(new Uint8Array(32))}`]);
  const capsule = await ask(client, ['Encrypt', named(kemPublic)]);
  const key = String(aes('UniqueIdentifier'));
  const message64 = data(new Uint8Array(64));
  return {
    get: message(['Get', named(key)]),
    encrypt: message(['Encrypt', `${named(key)}${gcm}${message64}`]),
    rsaDecrypt: message(['Decrypt', `${named(rsaPrivate)}${oaep}${data(secret('Data') as Uint8Array)}`]),
    mlDsaSign: message(['Sign', `${named(halves(dsa)[0])}${message64}`]),
    mlKemDecapsulate: message(['Decrypt', `${named(kemPrivate)}${data(capsule('Data') as Uint8Array)}`]),
  };
}

/** Private operations of RSA-2048 a second on one core, as OpenSSL's own program counts them. */
async function opensslPerSecond(): Promise<number | undefined> {
  try {
    const { stdout } = await run('openssl', ['speed', '-seconds', '2', 'rsa2048']);
    return Number(/^rsa 2048 bits\s+\S+\s+\S+\s+([\d.]+)/m.exec(stdout)?.[1]) || undefined;
  } catch {
    return undefined;
  }
}

await Bench.in(async (bench) => {
  const { port } = await bench.kmipd();
  const client = await connect({ port, home: bench.home });
  const all = await requests(client);
  console.log(heading);
  for (const connections of [1, 16]) {
    for (const [name, request] of [
      ['Get', all.get],
      ['Encrypt AES-GCM, 64 B', all.encrypt],
      ['Decrypt RSA-2048 OAEP', all.rsaDecrypt],
      ['Sign ML-DSA-65, 64 B', all.mlDsaSign],
      ['Decapsulate ML-KEM-768', all.mlKemDecapsulate],
    ] as const) {
      const job = { connections, request: hex(request) };
      const ours = await bench.load({ ...job, port });
      const echo = await bench.echo(job, ours.responseBytes);
      console.log(row(name, connections, ours, echo));
    }
  }
  const openssl = await opensslPerSecond();
  console.log(
    openssl === undefined
      ? 'openssl is not installed: nothing to compare RSA with'
      : `openssl speed rsa2048, private operations on one core: ${Math.round(openssl)}/s`,
  );

  let generating = true;
  let pairs = 0;
  const generators = [1, 2].map(async () => {
    const other = await connect({ port, home: bench.home });
    for (; generating; pairs += 1) await ask(other, pair('RSA', ['Sign', 'Verify'], length(4096)));
    await other.close();
  });
  const during = await bench.load({ connections: 4, port, request: hex(all.get) });
  generating = false;
  console.log(row('Get beside RSA-4096 pairs', 4, during));
  await Promise.all(generators);
  console.log(`${pairs} pairs were made meanwhile`);
  await client.close();
});
