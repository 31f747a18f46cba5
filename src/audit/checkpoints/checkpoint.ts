import { hash } from 'node:crypto';
import { headBytes } from '../../common/audit-chain.ts';
import {
  decodeBase64,
  decodeKeyLine,
  encodeKeyLine,
  isSignatureOf,
  type PublicSigningKey,
} from './signing-key.ts';

/**
 * A checkpoint: how far the lanes of a database and their chains of the audit log have got, signed by the key
 * of the day. It can be kept, and compared, outside the database.
 *
 *     kmipd checkpoint 2
 *     store 8f41… node 5d0c8a1b2c3d keyring 7 time 2026-11-29T01:02:03.000Z previous BASE64
 *     lane 5d0c8a1b2c3d seq 88412 state BASE64 chain 9b74… entries 1042 head BASE64
 *     sign 20261129 BASE64 first FINGERPRINT signed-by 20261128 BASE64 SIGNATURE
 *     signature BASE64
 *
 * `store` is the name of the database that its keyring yields, followed by `formerly` and the name before
 * where that has changed since the previous checkpoint. `previous` is the SHA-256 of the text of that, and
 * `none` for the first one. `state` is the SHA-256 of the box of the lane. A lane without a chain ends after
 * its state. Every line ends with LF. The signature covers all lines before it.
 */
export interface Checkpoint {
  /** `Vault.storeNames`, the first of them. */
  readonly store: string;
  /** Name of the same database in the previous checkpoint, where that was another one. */
  readonly formerly: string | undefined;
  /** Name of the node that signs. */
  readonly node: string;
  /** Generation of the keyring. */
  readonly keyring: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** `hashCheckpoint` of the previous one; undefined for the first. */
  readonly previous: string | undefined;
  readonly lanes: readonly CheckpointLane[];
  /** The key that signs. */
  readonly key: PublicSigningKey;
}

/** A lane as it states itself. */
export interface CheckpointLane {
  readonly name: string;
  readonly seq: number;
  /** SHA-256 of its box, 32 bytes. */
  readonly state: Uint8Array;
  readonly chain: CheckpointChain | undefined;
}

/** The chain of a lane. */
export interface CheckpointChain {
  readonly id: string;
  readonly entries: number;
  readonly head: Uint8Array;
}

const title = 'kmipd checkpoint 2';
const stateBytes = 32;
const signatureBytes = 64;
const headPattern =
  /^store ([0-9a-f]{32})(?: formerly ([0-9a-f]{32}))? node ([0-9a-f]{1,32}) keyring (\d{1,15}) time (\S{20,30}) previous (\S+)$/;
const lanePattern =
  /^lane (\S{1,100}) seq (\d{1,16}) state (\S{44})(?: chain ([0-9a-f]{32}) entries (\d{1,16}) head (\S{44}))?$/;

/** Encodes the text that is signed. */
export function encodeCheckpoint(checkpoint: Checkpoint): string {
  const { store, formerly, node, keyring, time, previous = 'none', lanes, key } = checkpoint;
  const names = formerly === undefined ? store : `${store} formerly ${formerly}`;
  const lines = [
    title,
    `store ${names} node ${node} keyring ${keyring} time ${new Date(time).toISOString()} previous ${previous}`,
    ...lanes.map(encodeLaneLine),
    encodeKeyLine(key),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function encodeLaneLine({ name, seq, state, chain }: CheckpointLane): string {
  const lane = `lane ${name} seq ${seq} state ${state.toBase64()}`;
  if (chain === undefined) return lane;
  return `${lane} chain ${chain.id} entries ${chain.entries} head ${chain.head.toBase64()}`;
}

/** Appends the signature to what `encodeCheckpoint` has returned. */
export function addSignature(text: string, signature: Uint8Array): string {
  return `${text}signature ${signature.toBase64()}\n`;
}

/** Returns the SHA-256 of a text with its signature in Base64, by which the next checkpoint names it. */
export function hashCheckpoint(text: string): string {
  return hash('sha256', text, 'base64');
}

/** Whether a line is the first one of a checkpoint. */
export function isFirstLine(line: string): boolean {
  return line === title;
}

/** Whether a line is the last one of a checkpoint. */
export function isLastLine(line: string): boolean {
  return line.startsWith('signature ');
}

/**
 * Decodes a text with its signature, which is verified against the key that the text names; undefined for any
 * other text. Whether that key is trusted is another question.
 */
export function decodeCheckpoint(text: string): Checkpoint | undefined {
  const lines = text.split('\n');
  const [first, head, ...rest] = lines.slice(0, -3);
  const [keyLine, signatureLine, end] = lines.slice(-3);
  if (first !== title || end !== '') return undefined;
  const key = decodeKeyLine(keyLine ?? '');
  const lanes = rest.map(decodeLaneLine);
  const [, store, formerly, node, keyring, iso = '', previous] = headPattern.exec(head ?? '') ?? [];
  if (store === undefined || node === undefined || key === undefined || !lanes.every(isPresent))
    return undefined;
  const checkpoint: Checkpoint = {
    ...{ store, formerly, node, keyring: Number(keyring), time: Date.parse(iso), lanes, key },
    previous: previous === 'none' ? undefined : previous,
  };
  // One way to write each checkpoint: what is read is what was signed.
  const signed = Number.isNaN(checkpoint.time) ? '' : encodeCheckpoint(checkpoint);
  if (`${signed}${signatureLine}\n` !== text) return undefined;
  const signature = decodeBase64(signatureLine?.slice('signature '.length), signatureBytes);
  const isGenuine =
    signature !== undefined && isLastLine(signatureLine ?? '') && isSignatureOf(signed, signature, key.key);
  return isGenuine ? checkpoint : undefined;
}

function decodeLaneLine(line: string): CheckpointLane | undefined {
  const [, name, seq, stateText, id, entries, headText] = lanePattern.exec(line) ?? [];
  const state = decodeBase64(stateText, stateBytes);
  if (name === undefined || state === undefined) return undefined;
  if (id === undefined) return { name, seq: Number(seq), state, chain: undefined };
  const head = decodeBase64(headText, headBytes);
  return head && { name, seq: Number(seq), state, chain: { id, entries: Number(entries), head } };
}

const isPresent = <T>(value: T | undefined): value is T => value !== undefined;
