import type { KnownLane } from './lane-history.ts';

/**
 * What a process keeps outside the database to recognise an older one: the generation of the keyring and the
 * newest state of each lane. JSON:
 *
 *     {"format":1,"keyring":3,"lanes":{"5d0c…":{"seq":88412,"box":"9f86d081…"}}}
 */
export interface Anchor {
  /** Generation of the keyring. */
  readonly keyring: number;
  readonly lanes: readonly KnownLane[];
}

/** Where anchors are kept. */
export interface AnchorStore {
  /**
   * Reads all anchors that the processes of this installation have left.
   * @throws {AnchorUnreadableError}
   */
  read(): Promise<readonly Anchor[]>;
  /** Replaces this process's own anchor, durably. */
  write(anchor: Anchor): Promise<void>;
}

/** `ANCHOR_UNREADABLE`: a file is no anchor, although its name says so. */
export class AnchorUnreadableError extends Error {
  override readonly name = 'AnchorUnreadableError';
  readonly code = 'ANCHOR_UNREADABLE';
}

const format = 1;

/** Encodes an anchor as the text of its file. */
export function encodeAnchor({ keyring, lanes }: Anchor): string {
  const named = lanes
    .toSorted((first, other) => (first.name < other.name ? -1 : 1))
    .map(({ name, seq, box }) => [name, box === undefined ? { seq } : { seq, box }] as const);
  return `${JSON.stringify({ format, keyring, lanes: Object.fromEntries(named) })}\n`;
}

/**
 * Decodes the text of an anchor; `file` names it in the message.
 * @throws {AnchorUnreadableError} for any other text
 */
export function decodeAnchor(text: string, file: string): Anchor {
  const fail = (): never => {
    throw new AnchorUnreadableError(
      `${file} is damaged; run: kmipd verify, and remove the file when the database is right`,
    );
  };
  const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
  const content = parse(text);
  if (content?.format !== format || !isCount(content.keyring)) return fail();
  if (typeof content.lanes !== 'object' || content.lanes === null) return fail();
  const lanes = Object.entries(content.lanes).map(([name, state]) => {
    const { seq, box } = state ?? {};
    if (!isCount(seq) || (box !== undefined && !/^[0-9a-f]{64}$/.test(String(box)))) return fail();
    return { name, seq, box };
  });
  return { keyring: content.keyring, lanes };
}

interface AnchorText {
  readonly format?: unknown;
  readonly keyring?: unknown;
  readonly lanes?: Readonly<Record<string, { readonly seq?: unknown; readonly box?: string } | null>> | null;
}

function parse(text: string): AnchorText | undefined {
  try {
    const content: unknown = JSON.parse(text);
    return typeof content === 'object' && content !== null ? content : undefined;
  } catch {
    return undefined;
  }
}
