import { readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { decodeHeader, encodeFrame, type Frame, headerBytes, type VerbName } from '../frames.ts';
import type { ListKeysRequest, MakeKeyRequest, RemoveKeyRequest } from '../keys/key-messages.ts';
import {
  decodeJson,
  decodeUnwrap,
  encodeFailure,
  encodeJson,
  encodeSecret,
  type HelloRequest,
  type KeyRequest,
  TokenFailure,
  type TokenLoginRequest,
} from '../messages.ts';
import { answerUse } from './key-uses.ts';
import { toFailure } from './library.ts';
import { packPage } from './mechanism-page.ts';
import { Token } from './token.ts';

/**
 * The process of the token: loads the vendor's library and answers the daemon, one request after the other.
 * It gets no arguments, no environment but what the URI names, and no file but the pair of sockets below. It
 * reads and writes them synchronously: while the library works, nothing else can happen here, and no secret
 * gets into the buffers of a stream.
 */
const channel = 3;

let token: Token | undefined;

const answers: Record<Exclude<VerbName, 'failure'>, (body: Uint8Array) => Uint8Array> = {
  hello(body) {
    token = new Token(decodeJson<HelloRequest>(body));
    return encodeJson(token.describe(areCoreDumpsEmpty));
  },
  login(body) {
    requireToken().login(decodeJson<TokenLoginRequest>(body));
    return new Uint8Array();
  },
  key: (body) => encodeJson(requireToken().openKey(decodeJson<KeyRequest>(body))),
  wrap: (body) => requireToken().wrapper.wrap(body),
  unwrap(body) {
    const [mask, wrapped] = decodeUnwrap(body);
    const secret = requireToken().wrapper.unwrap(wrapped);
    try {
      return encodeSecret(secret, mask);
    } finally {
      secret?.fill(0);
    }
  },
  ping() {
    requireToken().ping();
    return encodeJson({ residentBytes: process.memoryUsage.rss() });
  },
  keyMake: (body) => encodeJson(requireToken().makeKey(decodeJson<MakeKeyRequest>(body))),
  keyUse: (body) => answerUse(body, requireToken().requireSession(), requireToken().keys),
  keyRemove: (body) => encodeJson(requireToken().removeKey(decodeJson<RemoveKeyRequest>(body))),
  keyList: (body) => encodeJson(requireToken().listKeys(decodeJson<ListKeysRequest>(body))),
  check: (body) => packPage(requireToken().mechanisms(), decodeJson<{ from: number }>(body).from),
};

function requireToken(): Token {
  if (token === undefined) throw new TokenFailure('request', 'no library is loaded');
  return token;
}

/** Returns the frame of the answer, and overwrites the request. An answer that is too long is a failure. */
function answer({ verb, request, body }: Frame): Uint8Array {
  let answered: Uint8Array | undefined;
  try {
    if (verb === 'failure') throw new TokenFailure('request', 'a failure is no request');
    answered = answers[verb](body);
    return encodeFrame({ verb, request, body: answered });
  } catch (error) {
    return encodeFrame({ verb: 'failure', request, body: encodeFailure(toFailure(error)) });
  } finally {
    body.fill(0);
    answered?.fill(0);
  }
}

/** Fills the bytes from the channel; false at its end, which is the end of the daemon or its wish. */
function read(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; ) {
    const count = readSync(channel, bytes, at, bytes.length - at, null);
    if (count === 0) return false;
    at += count;
  }
  return true;
}

function write(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(channel, bytes, at);
}

/**
 * Leaves all memory out of core dumps of this process, whatever its limit is (core(5)); false where the
 * kernel has no such file.
 */
function emptyCoreDumps(): boolean {
  const filter = '/proc/self/coredump_filter';
  try {
    writeFileSync(filter, '0');
    return /^0+\n$/.test(readFileSync(filter, 'latin1'));
  } catch {
    return false;
  }
}

// The daemon ends this process. What a terminal or systemd sends to the whole group would end it too early.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
const areCoreDumpsEmpty = emptyCoreDumps();
new Worker(new URL('./watch-parent.ts', import.meta.url), { env: {}, stdin: false });

try {
  for (const header = new Uint8Array(headerBytes); read(header); ) {
    const frame = decodeHeader(header);
    if (!read(frame.body)) break;
    const bytes = answer(frame);
    write(bytes);
    bytes.fill(0);
  }
  token?.close();
} finally {
  // An exit would wait for the thread that watches the daemon, after an error as well.
  process.kill(process.pid, 'SIGKILL');
}
