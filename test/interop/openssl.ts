import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HashingAlgorithm } from '../../codec/enums.ts';
import type { ManagedObjectValue } from '../../codec/structures/managed-objects.ts';
import { asymmetricKey } from '../protocol/known-answers/vector-client.ts';

/** OpenSSL's command line, in a directory of its own. */

/** The reason why these tests cannot run; false when they can. */
export const missing: string | false = await run('openssl', ['version']).then(
  ({ text }) => (/^OpenSSL [3-9]/.test(text) ? false : `openssl is ${text.trim()}, not OpenSSL 3`),
  () => 'the command openssl is not installed',
);

interface Output {
  readonly exitCode: number;
  readonly bytes: Uint8Array;
  /** Both outputs, as text. */
  readonly text: string;
}

function run(command: string, args: readonly string[], cwd?: string, input?: Uint8Array): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...(cwd === undefined ? {} : { cwd }), timeout: 60_000 });
    const out: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (part: Buffer) => out.push(part));
    child.stderr.on('data', (part: Buffer) => errors.push(part));
    child.on('error', reject);
    child.on('close', (exitCode) => {
      const bytes = new Uint8Array(Buffer.concat(out));
      resolve({ exitCode: exitCode ?? 1, bytes, text: Buffer.concat([...out, ...errors]).toString() });
    });
    // A command that refuses its arguments does not read its input.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

type Tap = { teardown(remove: () => unknown): void };

export class OpenSsl {
  readonly #directory = mkdtempSync(join(tmpdir(), 'kmipd-openssl-'));
  #files = 0;

  constructor(t: Tap) {
    t.teardown(() => rmSync(this.#directory, { recursive: true, force: true }));
  }

  /** Writes a file and returns its path. */
  file(content: Uint8Array | string): string {
    const name = this.name();
    writeFileSync(join(this.#directory, name), content);
    return name;
  }

  /** Returns a path for a file that a command will write. */
  name(): string {
    this.#files += 1;
    return `${this.#files}`;
  }

  read(name: string): Uint8Array {
    return new Uint8Array(readFileSync(join(this.#directory, name)));
  }

  /**
   * Returns the output of a command.
   * @throws {Error} with its messages when it fails.
   */
  async ask(args: string, ...more: readonly string[]): Promise<Uint8Array> {
    const { exitCode, bytes, text } = await this.try(args, ...more);
    if (exitCode !== 0) throw new Error(`openssl ${args} ${more.join(' ')}: ${text}`);
    return bytes;
  }

  try(args: string, ...more: readonly string[]): Promise<Output> {
    return run('openssl', [...args.split(' '), ...more], this.#directory);
  }

  /** Returns the first block of a PEM file in DER. */
  static der(pem: Uint8Array): Uint8Array {
    const [, base64 = ''] = /-----BEGIN [^-]+-----([^-]+)-----END/.exec(Buffer.from(pem).toString()) ?? [];
    return new Uint8Array(Buffer.from(base64, 'base64'));
  }
}

/** A key pair that OpenSSL has generated. */
export interface Pair {
  /** Files in PEM and DER. */
  readonly secretFile: string;
  readonly publicFile: string;
  readonly secret: ManagedObjectValue;
  readonly open: ManagedObjectValue;
}

export async function pairOf(openssl: OpenSsl, args: string, ...more: readonly string[]): Promise<Pair> {
  const pem = await openssl.ask(args, ...more);
  const secretFile = openssl.file(pem);
  const pkcs8 = OpenSsl.der(await openssl.ask('pkcs8 -topk8 -nocrypt -in', secretFile));
  const spki = await openssl.ask('pkey -pubout -outform DER -in', secretFile);
  return {
    secretFile,
    publicFile: openssl.file(await openssl.ask('pkey -pubout -in', secretFile)),
    secret: asymmetricKey('PrivateKey', 'PKCS_8', pkcs8),
    open: asymmetricKey('PublicKey', 'X_509', spki),
  };
}

export const rsaArgs = 'genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048';
/** OpenSSL's names of hashes, by their names in KMIP. */
export const hashes: readonly (readonly [HashingAlgorithm & string, string])[] = [
  ['SHA_1', 'sha1'],
  ['SHA_224', 'sha224'],
  ['SHA_256', 'sha256'],
  ['SHA_384', 'sha384'],
  ['SHA_512', 'sha512'],
  ['SHA_512_256', 'sha512-256'],
  ['SHA3_256', 'sha3-256'],
];
