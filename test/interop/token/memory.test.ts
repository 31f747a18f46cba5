import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import t, { type Test } from 'tap';
import { copySecret } from '../../../src/common/secret.ts';
import { LoginJournal } from '../../../src/token/login-journal.ts';
import { encodeUnwrap, maxSecretBytes } from '../../../src/token/messages.ts';
import type { TokenProcess } from '../../../src/token/token-process.ts';
import {
  findToken,
  logIn,
  openTokenKey,
  spawnTokenProcess,
  type TokenSettings,
} from '../../../src/token/token-start.ts';
import { missing, SoftToken } from './soft-token.ts';

const canaryBytes = 32;
const pieceBytes = 1 << 20;

/** A secret that stands nowhere: the test holds it as two random parts, whose exclusive or it is. */
class Canary {
  readonly #mask = crypto.getRandomValues(new Uint8Array(canaryBytes));
  readonly #masked = crypto.getRandomValues(new Uint8Array(canaryBytes));

  /** Returns the canary itself. */
  plant(): Uint8Array {
    const secret = copySecret(this.#masked);
    for (const [at, byte] of this.#mask.entries()) secret[at] = (secret[at] ?? 0) ^ byte;
    return secret;
  }

  /** Counts the copies of its first 16 bytes in the writable memory of a process. */
  count(pid: number): number {
    const memory = openSync(`/proc/${pid}/mem`, 'r');
    const piece = new Uint8Array(pieceBytes + canaryBytes);
    let copies = 0;
    for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      if (from === undefined || to === undefined) continue;
      const end = BigInt(`0x${to}`);
      for (let at = BigInt(`0x${from}`); at < end; at += BigInt(pieceBytes))
        copies += this.#countIn(piece.subarray(0, readAt(memory, piece, at, end)));
    }
    closeSync(memory);
    return copies;
  }

  #countIn(bytes: Uint8Array): number {
    const buffer = Buffer.from(bytes.buffer, 0, bytes.length);
    // Three bytes are no secret, and the search for them is fast.
    const start = Buffer.from(this.#masked.subarray(0, 3).map((byte, at) => byte ^ (this.#mask[at] ?? 0)));
    let copies = 0;
    for (let at = buffer.indexOf(start); at >= 0 && at < pieceBytes; at = buffer.indexOf(start, at + 1)) {
      let same = 0;
      while (same < 16 && ((bytes[at + same] ?? 0) ^ (this.#mask[same] ?? 0)) === this.#masked[same]) same++;
      if (same === 16) copies += 1;
    }
    return copies;
  }
}

/** Reads up to the end of the area; 0 for one that cannot be read. */
function readAt(memory: number, piece: Uint8Array, at: bigint, end: bigint): number {
  const length = end - at < BigInt(piece.length) ? Number(end - at) : piece.length;
  try {
    return readSync(memory, piece, 0, length, at);
  } catch {
    return 0;
  }
}

/** Starts a process of the token, and asks it without a client. */
async function startProcess(t: Test, token: SoftToken): Promise<TokenProcess> {
  const uri = token.uri();
  const { environment } = token;
  const pinFile = token.path('pin');
  const journal = new LoginJournal(undefined, uri, pinFile);
  const settings: TokenSettings = {
    ...{ uri, environment, pinFile, journal },
    ...{ mode: 'create', startMilliseconds: 60_000, showsLibraryOutput: false },
  };
  const child = spawnTokenProcess(settings);
  t.teardown(() => child.close());
  await findToken(child, settings);
  await logIn(child, settings, false);
  await openTokenKey(child, settings);
  return child;
}

const calls = 20;

t.test('the memory of the daemon, after secrets were unwrapped and wiped,', { skip: missing }, async (t) => {
  const token = new SoftToken(t);

  await t.test('has no copy of them', async (t) => {
    const client = token.client(t);
    await client.open();
    const canary = new Canary();
    const secret = canary.plant();
    t.equal(canary.count(process.pid), 1, 'the search finds the one that is there');
    const wrapped = await client.wrap(secret);
    secret.fill(0);
    for (let call = 0; call < calls; call++) {
      const unwrapped = await client.unwrap(wrapped);
      unwrapped?.fill(0);
    }
    t.equal(canary.count(process.pid), 0);
    const inside = canary.count(client.pid as number);
    t.comment(
      `${inside} copies in the process of the token, in memory that pkcs11js and SoftHSM2 have freed`,
    );
  });

  await t.test('would have copies if the token sent them without a mask', async (t) => {
    const child = await startProcess(t, token);
    const canary = new Canary();
    const secret = canary.plant();
    const wrapped = await child.request('wrap', secret, 60_000);
    secret.fill(0);
    t.equal(canary.count(process.pid), 0, 'the way to the token leaves none');
    for (let call = 0; call < calls; call++) {
      const answer = await child.request(
        'unwrap',
        encodeUnwrap(new Uint8Array(maxSecretBytes), wrapped),
        60_000,
      );
      t.equal(answer[0], canaryBytes);
      answer.fill(0);
    }
    const copies = canary.count(process.pid);
    t.comment(`${copies} copies without a mask`);
    t.ok(copies > 0, 'the search would find them');
  });
});
