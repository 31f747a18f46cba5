import { xmlToNodes } from '../codec/wire/xml.ts';
import { defaultLimits } from '../src/common/limits.ts';
import { type Client, connect, decode, encode, valueOf } from '../test/client.ts';
import { Bench, execute, formatRow, heading, toHex } from './daemon.ts';

/** What the server's own cryptography costs: beside the echo, beside OpenSSL, and what it does to others. */

type Item = readonly [operation: string, payload: string];

/** Encodes a KMIP 2.1 message whose payloads are given in the XML encoding. */
function encodeMessage(...items: readonly Item[]): Uint8Array {
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

const identifier = (id: string) => `<UniqueIdentifier type="TextString" value="${id}"/>`;
const active = '<ActivationDate type="DateTime" value="2020-01-01T00:00:00Z"/>';
const data = (bytes: Uint8Array) => `<Data type="ByteString" value="${toHex(bytes)}"/>`;
const mask = (bits: string) => `<CryptographicUsageMask type="Integer" value="${bits}"/>`;
const algorithm = (name: string) => `<CryptographicAlgorithm type="Enumeration" value="${name}"/>`;

function createKeyPair(
  name: string,
  uses: readonly [privateUse: string, publicUse: string],
  more = '',
): Item {
  return [
    'CreateKeyPair',
    `<CommonAttributes>${algorithm(name)}${more}${active}</CommonAttributes><PrivateKeyAttributes>${mask(uses[0])}</PrivateKeyAttributes><PublicKeyAttributes>${mask(uses[1])}</PublicKeyAttributes>`,
  ];
}

async function ask(client: Client, item: Item) {
  const answer = decode(await client.send(encodeMessage(item)));
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

/** Creates the keys at the daemon and returns the request of each row. */
async function createRequests(client: Client) {
  const aes = await ask(client, [
    'Create',
    `<ObjectType type="Enumeration" value="SymmetricKey"/><Attributes>${algorithm('AES')}${length(256)}${mask('Encrypt Decrypt')}${active}</Attributes>`,
  ]);
  const rsa = await ask(client, createKeyPair('RSA', ['Decrypt', 'Encrypt'], length(2048)));
  const dsa = await ask(client, createKeyPair('ML_DSA_65', ['Sign', 'Verify']));
  const kem = await ask(client, createKeyPair('ML_KEM_768', ['Decrypt', 'Encrypt']));
  const idsOf = (of: typeof rsa) =>
    [String(of('PrivateKeyUniqueIdentifier')), String(of('PublicKeyUniqueIdentifier'))] as const;
  const [rsaPrivate, rsaPublic] = idsOf(rsa);
  const [kemPrivate, kemPublic] = idsOf(kem);
  const secret = await ask(client, ['Encrypt', `${identifier(rsaPublic)}${oaep}${data(new Uint8Array(32))}`]);
  const capsule = await ask(client, ['Encrypt', identifier(kemPublic)]);
  const key = String(aes('UniqueIdentifier'));
  const message64 = data(new Uint8Array(64));
  return {
    get: encodeMessage(['Get', identifier(key)]),
    encrypt: encodeMessage(['Encrypt', `${identifier(key)}${gcm}${message64}`]),
    rsaDecrypt: encodeMessage([
      'Decrypt',
      `${identifier(rsaPrivate)}${oaep}${data(secret('Data') as Uint8Array)}`,
    ]),
    mlDsaSign: encodeMessage(['Sign', `${identifier(idsOf(dsa)[0])}${message64}`]),
    mlKemDecapsulate: encodeMessage([
      'Decrypt',
      `${identifier(kemPrivate)}${data(capsule('Data') as Uint8Array)}`,
    ]),
  };
}

/**
 * Measures RSA-2048 private operations per second on one core with `openssl speed`; undefined without
 * openssl.
 */
async function measureOpenssl(): Promise<number | undefined> {
  try {
    const { stdout } = await execute('openssl', ['speed', '-seconds', '2', 'rsa2048']);
    return Number(/^rsa 2048 bits\s+\S+\s+\S+\s+([\d.]+)/m.exec(stdout)?.[1]) || undefined;
  } catch {
    return undefined;
  }
}

await Bench.run(async (bench) => {
  const { port } = await bench.startDaemon();
  const client = await connect({ port, home: bench.stateDirectory });
  const requests = await createRequests(client);
  console.log(heading);
  for (const connections of [1, 16]) {
    for (const [name, request] of [
      ['Get', requests.get],
      ['Encrypt AES-GCM, 64 B', requests.encrypt],
      ['Decrypt RSA-2048 OAEP', requests.rsaDecrypt],
      ['Sign ML-DSA-65, 64 B', requests.mlDsaSign],
      ['Decapsulate ML-KEM-768', requests.mlKemDecapsulate],
    ] as const) {
      const job = { connections, request: toHex(request) };
      const ours = await bench.measureLoad({ ...job, port });
      const echo = await bench.measureEcho(job, ours.responseBytes);
      console.log(formatRow(name, connections, ours, echo));
    }
  }
  const openssl = await measureOpenssl();
  console.log(
    openssl === undefined
      ? 'openssl is not installed: no comparison for RSA'
      : `openssl speed rsa2048, private operations on one core: ${Math.round(openssl)}/s`,
  );

  let generating = true;
  let pairs = 0;
  const generators = [1, 2].map(async () => {
    const other = await connect({ port, home: bench.stateDirectory });
    for (; generating; pairs += 1) await ask(other, createKeyPair('RSA', ['Sign', 'Verify'], length(4096)));
    await other.close();
  });
  const during = await bench.measureLoad({ connections: 4, port, request: toHex(requests.get) });
  generating = false;
  console.log(formatRow('Get beside RSA-4096 pairs', 4, during));
  await Promise.all(generators);
  console.log(`${pairs} pairs were generated meanwhile`);
  await client.close();
});
