import { type Version, versionOf } from '../../codec/version.ts';
import { jsonToNode, nodeToJson } from '../../codec/wire/json.ts';
import { decodeBinary, encodeBinary } from '../../codec/wire/message.ts';
import type { Node } from '../../codec/wire/node.ts';
import { nodeToXml, xmlToNodes } from '../../codec/wire/xml.ts';
import { WireError } from '../../codec/wire-error.ts';
import type { Limits } from '../common/limits.ts';

/** Converts messages of one media type to binary TTLV, the only form that the service reads, and back. */
export interface Encoding {
  /** Bytes allowed in a body for each byte allowed in a TTLV message. */
  readonly expansion: number;
  /**
   * Converts the body of a request; errors inside a message are left to the service.
   *
   * @throws {WireError} when the body is not a message.
   */
  toTtlv(body: Uint8Array, limits: Limits): Uint8Array;
  /** Converts a response of the service. The result may share its memory. */
  fromTtlv(answer: Uint8Array): Uint8Array;
  /** Guesses the protocol version of a body that cannot be decoded. */
  guessVersion(body: Uint8Array): Version | undefined;
}

const ttlv: Encoding = {
  expansion: 1,
  toTtlv: (body) => body,
  fromTtlv: (answer) => answer,
  guessVersion: () => undefined,
};

/** Limits for responses of the service, which are trusted and already bounded by the service. */
const noLimits = { depth: 64, structureItems: Number.MAX_SAFE_INTEGER };

const utf8 = new TextDecoder('utf-8', { fatal: true });
const toUtf8 = new TextEncoder();

function decodeUtf8(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch {
    throw new WireError('malformed', 'the text is not UTF-8');
  }
}

/** Version numbers as they occur in the first characters of an XML or JSON message. */
const majorNumber = /ProtocolVersionMajor[^<>{}]*?value["']?\s*[=:]\s*["']?(\d)/;
const minorNumber = /ProtocolVersionMinor[^<>{}]*?value["']?\s*[=:]\s*["']?(\d)/;
const maxGuessedCharacters = 4_096;

/** An item of 16 bytes in TTLV has about 60 characters as text, more with white space. */
const textExpansion = 8;

function createTextEncoding(
  read: (text: string, limits: Limits) => Node,
  write: (node: Node) => string,
): Encoding {
  return {
    expansion: textExpansion,
    toTtlv: (body, limits) => encodeBinary(read(decodeUtf8(body), limits)),
    fromTtlv: (answer) => toUtf8.encode(write(decodeBinary(answer, noLimits))),
    guessVersion(body) {
      const head = new TextDecoder().decode(body.subarray(0, maxGuessedCharacters));
      return versionOf(Number(majorNumber.exec(head)?.[1]), Number(minorNumber.exec(head)?.[1]));
    },
  };
}

function requireOneMessage(messages: readonly Node[]): Node {
  const [message, ...more] = messages;
  if (message === undefined || more.length > 0) throw new WireError('malformed', 'not exactly one message');
  return message;
}

const toTextLimits = (limits: Limits) => ({ ...limits, bytes: limits.requestBytes });

const xml = createTextEncoding(
  (text, limits) => requireOneMessage(xmlToNodes(text, toTextLimits(limits))),
  nodeToXml,
);
const json = createTextEncoding(
  (text, limits) => jsonToNode(text, toTextLimits(limits)),
  (node) => nodeToJson(node, 0),
);

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
