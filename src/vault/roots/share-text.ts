import { hash } from 'node:crypto';
import { Secret } from '../../common/secret.ts';
import { decodeHexText, trimSpace, writeHex } from '../secret-text.ts';
import { rootBytes } from './byte-root.ts';

/** A share of a root as its custodian has it. */
export interface RootShare {
  /** 8 hexadecimal digits that name the ceremony. */
  readonly set: string;
  /** From 1. */
  readonly index: number;
  readonly threshold: number;
  readonly parts: number;
  /** 32 bytes. */
  readonly value: Secret;
}

const ascii = (text: string) => new TextEncoder().encode(text);
const sharePrefix = ascii('kmipd-share:');
const checkDigits = 8;

/**
 * Returns the line of a share, which ends with a line feed: `kmipd-share:SET:INDEX/K/N:HEX:CHECK`. CHECK, the
 * first 8 digits of SHA-256 of all before it, finds errors of typing.
 */
export function encodeShare({ set, index, threshold, parts, value }: RootShare): Secret {
  const head = ascii(`kmipd-share:${set}:${index}/${threshold}/${parts}:`);
  const line = new Uint8Array(head.length + 2 * value.length + 1 + checkDigits + 1);
  line.set(head);
  const end = writeHex(line, head.length, value.bytes);
  line.set(ascii(`:${checkOf(line.subarray(0, end))}\n`), end);
  return new Secret(line);
}

/** Whether a text begins as the line of a share. */
export function isShareText({ bytes }: Secret): boolean {
  const line = trimSpace(bytes);
  return sharePrefix.every((byte, at) => line[at] === byte);
}

/** Decodes the line of a share; returns what is wrong with it as a text that shows nothing of it. */
export function decodeShare(input: Secret): RootShare | string {
  // Operators type them.
  using lower = new Secret(trimSpace(input.bytes).map(toLowerCase));
  const line = lower.bytes;
  const nextColon = (at: number) => line.indexOf(colon, at + 1);
  const first = nextColon(-1);
  const second = nextColon(first);
  const third = nextColon(second);
  const fourth = nextColon(third);
  const isWhole = first < second && second < third && third < fourth && nextColon(fourth) < 0;
  if (!isShareText(lower) || !isWhole) return 'this is not the line of a share, kmipd-share:…';
  // Neither part says anything about the root.
  const text = (from: number, to?: number) => new TextDecoder().decode(line.subarray(from, to));
  const check = text(fourth + 1);
  if (check !== checkOf(line.subarray(0, fourth)))
    return 'a character of the share is wrong: its check does not fit; compare it with the original';
  const [, index, threshold, parts] = /^(\d{1,2})\/(\d{1,2})\/(\d{1,2})$/.exec(text(second + 1, third)) ?? [];
  const set = text(first + 1, second);
  const bytes = decodeHexText(line.subarray(third + 1, fourth));
  if (bytes?.length !== rootBytes || parts === undefined || !/^[0-9a-f]{8}$/.test(set)) {
    bytes?.fill(0);
    return 'this is not a share of a root';
  }
  return {
    set,
    index: Number(index),
    threshold: Number(threshold),
    parts: Number(parts),
    value: new Secret(bytes),
  };
}

const colon = 0x3a;
const checkOf = (bytes: Uint8Array) => hash('sha256', bytes, 'hex').slice(0, checkDigits);
const toLowerCase = (byte: number) => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte);
