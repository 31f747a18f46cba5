import { setImmediate } from 'node:timers/promises';
import { type Version, versionOf } from '../../codec/version.ts';
import { nodeToJson, readJsonMessage } from '../../codec/wire/json.ts';
import { decodeBinary, encodeBinary } from '../../codec/wire/message.ts';
import type { Node } from '../../codec/wire/node.ts';
import type { MessageLimits } from '../../codec/wire/tree.ts';
import { nodeToXml, readXmlMessages } from '../../codec/wire/xml.ts';
import { WireError } from '../../codec/wire-error.ts';
import type { Limits } from '../common/limits.ts';

/** Converts messages of one media type to binary TTLV, the only form that the service reads, and back. */
export interface Encoding {
  /** Bytes allowed in a body for each byte allowed in a TTLV message. */
  readonly expansion: number;
  /**
   * Converts the body of a request; errors inside a message are left to the service. A large body of text is
   * converted in many turns of the event loop. Rejects with a WireError when the body is not a message.
   */
  toTtlv(body: Uint8Array, limits: Limits): Promise<Uint8Array>;
  /** Converts a response of the service. The result may share its memory. */
  fromTtlv(answer: Uint8Array): Uint8Array;
  /** Guesses the protocol version of a body that cannot be decoded. */
  guessVersion(body: Uint8Array): Version | undefined;
}

const ttlv: Encoding = {
  expansion: 1,
  toTtlv: (body) => Promise.resolve(body),
  fromTtlv: (answer) => answer,
  guessVersion: () => undefined,
};

/** Limits for responses of the service, which are trusted and already bounded by the service. */
const noLimits = { depth: 64, structureItems: Number.MAX_SAFE_INTEGER };

const toUtf8 = new TextEncoder();

/** Bytes of UTF-8 that are decoded in one turn of the event loop. */
const maxDecodedBytes = 65_536;

/**
 * Decodes UTF-8, with a yield between two pieces.
 *
 * @throws {WireError} when the bytes are not UTF-8.
 */
function* decodeUtf8(body: Uint8Array): Generator<void, string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  try {
    for (let at = 0; at < body.length; at += maxDecodedBytes) {
      if (at > 0) yield;
      text += decoder.decode(body.subarray(at, at + maxDecodedBytes), { stream: true });
    }
    return text + decoder.decode();
  } catch {
    throw new WireError('malformed', 'the text is not UTF-8');
  }
}

/** Runs steps with a turn of the event loop between them, so that other connections are served meanwhile. */
async function runInTurns<T>(steps: Generator<void, T>): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await setImmediate();
  }
}

/** Version numbers as they occur in the first characters of an XML or JSON message. */
const majorNumber = /ProtocolVersionMajor[^<>{}]*?value["']?\s*[=:]\s*["']?(\d)/;
const minorNumber = /ProtocolVersionMinor[^<>{}]*?value["']?\s*[=:]\s*["']?(\d)/;
const maxGuessedCharacters = 4_096;

/** An item of 16 bytes in TTLV has about 60 characters as text, more with white space. */
const textExpansion = 8;

function createTextEncoding(
  read: (text: string, limits: MessageLimits) => Generator<void, Node>,
  write: (node: Node) => string,
): Encoding {
  return {
    expansion: textExpansion,
    async toTtlv(body, limits) {
      const text = await runInTurns(decodeUtf8(body));
      return encodeBinary(await runInTurns(read(text, { ...limits, bytes: limits.requestBytes })));
    },
    fromTtlv: (answer) => toUtf8.encode(write(decodeBinary(answer, noLimits))),
    guessVersion(body) {
      const head = new TextDecoder().decode(body.subarray(0, maxGuessedCharacters));
      return versionOf(Number(majorNumber.exec(head)?.[1]), Number(minorNumber.exec(head)?.[1]));
    },
  };
}

function* readOneXmlMessage(text: string, limits: MessageLimits): Generator<void, Node> {
  const [message, ...more] = yield* readXmlMessages(text, limits);
  if (message === undefined || more.length > 0) throw new WireError('malformed', 'not exactly one message');
  return message;
}

const xml = createTextEncoding(readOneXmlMessage, nodeToXml);
const json = createTextEncoding(readJsonMessage, (node) => nodeToJson(node, 0));

/**
 * Encodings by media type (KMIP Profiles 1.4 §3–5, 2.1 §5.3–5.5); many libraries send `application/xml` for
 * XML.
 */
export const encodings: ReadonlyMap<string, Encoding> = new Map([
  ['application/octet-stream', ttlv],
  ['text/xml', xml],
  ['application/xml', xml],
  ['application/json', json],
]);
