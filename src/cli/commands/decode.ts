import { existsSync, readFileSync } from 'node:fs';
import type { Node } from '../../../codec/wire/node.ts';
import { type Command, print, readInput } from '../command.ts';
import { CommandError } from '../failure.ts';

const outputForms = ['text', 'xml', 'json', 'hex', 'binary'] as const;
type OutputForm = (typeof outputForms)[number];

interface Arguments {
  readonly input?: string;
  readonly to?: OutputForm;
  readonly show: boolean;
}

/** The operator decides about the size of a message; the limits of the daemon do not apply. */
const limits = { bytes: 256 * 1024 * 1024, depth: 1024, structureItems: 10_000_000 };

/** The command `decode`. */
export const decode: Command<Arguments> = {
  command: 'decode [input]',
  describe: 'Convert KMIP messages between binary, hex, XML, JSON and readable text',
  builder: (yargs) =>
    yargs
      .positional('input', {
        type: 'string',
        describe: 'File, or hex digits; standard input when absent or -',
      })
      .option('to', {
        choices: outputForms,
        describe: 'Form of the output; when absent, text for TTLV, and hex for XML and JSON',
      })
      .option('show', {
        type: 'boolean',
        default: false,
        describe: 'Include secrets in text, not only their length',
      })
      .example('$0 decode 42007801000000...', 'the message as text')
      .example('$0 decode message.bin --to xml', 'the message as XML'),
  async run({ input, to, show }) {
    const bytes = readMessageInput(input);
    const { messages, binary } = await parseMessages(bytes);
    for (const message of messages) await writeMessage(message, to ?? (binary ? 'text' : 'hex'), show);
  },
};

const hexDigits = /^[\s|:,]*(?:0x)?(?:[0-9a-f][\s|:,]*)+$/i;

function readMessageInput(input = ''): Uint8Array {
  if (input === '' || input === '-') return readFileSync(0);
  if (existsSync(input)) return readInput(input);
  if (hexDigits.test(input)) return new TextEncoder().encode(input);
  throw new CommandError(`"${input}" is neither a file nor hex digits`);
}

async function parseMessages(bytes: Uint8Array): Promise<{ messages: readonly Node[]; binary: boolean }> {
  const text = new TextDecoder().decode(bytes.subarray(0, limits.bytes));
  const start = text.trimStart().slice(0, 1);
  if (start === '') throw new CommandError('there is nothing to decode: the input is empty');
  if (start === '<') {
    const { xmlToNodes } = await import('../../../codec/wire/xml.ts');
    return { messages: xmlToNodes(text, limits), binary: false };
  }
  if (start === '{') {
    const { jsonToNode } = await import('../../../codec/wire/json.ts');
    return { messages: [jsonToNode(text, limits)], binary: false };
  }
  const { decodeBinary } = await import('../../../codec/wire/message.ts');
  const frames = splitFrames(hexDigits.test(text) ? decodeHex(text) : bytes);
  return { messages: frames.map((frame) => decodeBinary(frame, limits)), binary: true };
}

function decodeHex(text: string): Uint8Array {
  const digits = text.replaceAll(/0x|[\s|:,]/gi, '');
  if (digits.length % 2 === 0) return Uint8Array.fromHex(digits);
  throw new CommandError(
    `the hex has an odd number of digits (${digits.length}); one is missing or too many`,
  );
}

/**
 * Splits messages that follow each other, as in a captured stream: 8 bytes of header, then its length,
 * padded.
 */
function splitFrames(bytes: Uint8Array): readonly Uint8Array[] {
  const frames: Uint8Array[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const length = at + 8 <= bytes.length ? 8 * Math.ceil(view.getUint32(at + 4) / 8) : 0;
    const end = at + 8 + length;
    frames.push(bytes.subarray(at, end));
    at = end;
  }
  return frames;
}

async function writeMessage(message: Node, form: OutputForm, show: boolean): Promise<void> {
  switch (form) {
    case 'text': {
      const { nodeToText } = await import('../../../codec/wire/text.ts');
      return print(nodeToText(message, { show }).trimEnd());
    }
    case 'xml': {
      const { nodeToXml } = await import('../../../codec/wire/xml.ts');
      return print(nodeToXml(message).trimEnd());
    }
    case 'json': {
      const { nodeToJson } = await import('../../../codec/wire/json.ts');
      return print(nodeToJson(message).trimEnd());
    }
    case 'hex':
    case 'binary': {
      const { encodeBinary } = await import('../../../codec/wire/message.ts');
      const bytes = encodeBinary(message);
      if (form === 'hex') return print(bytes.toHex());
      process.stdout.write(bytes);
    }
  }
}
