import { existsSync } from 'node:fs';
import type { Node } from '../../../codec/wire/node.ts';
import { maxBytesOf } from '../../common/regular-file.ts';
import { type Command, print, readInput } from '../command.ts';
import { readNotation, requireTtlv } from '../decoding/notations.ts';
import { CommandError } from '../failure.ts';

const outputForms = ['text', 'xml', 'json', 'hex', 'binary'] as const;
type OutputForm = (typeof outputForms)[number];

interface Arguments {
  readonly input?: string;
  readonly to?: OutputForm;
  readonly show: boolean;
}

/** The operator decides about the size of a message; the limits of the daemon do not apply. */
const limits = { bytes: maxBytesOf('message'), depth: 1024, structureItems: 10_000_000 };

/** The command `decode`. */
export const decode: Command<Arguments> = {
  command: 'decode [input]',
  describe: 'Convert KMIP messages between binary, hex, XML, JSON and readable text',
  builder: (yargs) =>
    yargs
      .positional('input', {
        type: 'string',
        describe: 'File, or hex digits or Base64; standard input when absent or -',
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
      .example('$0 decode message.bin --to xml', 'the message as XML')
      .example(
        'xxd message.bin | $0 decode',
        'a dump of hexdump -C, xxd, od, tcpdump -X; also an array of C',
      ),
  async run({ input, to, show }) {
    const bytes = readMessageInput(input);
    const { messages, binary } = await parseMessages(bytes);
    for (const message of messages) await writeMessage(message, to ?? (binary ? 'text' : 'hex'), show);
  },
};

function readMessageInput(input = ''): Uint8Array {
  if (input === '' || input === '-') return readInput(0, 'message');
  if (existsSync(input)) return readInput(input, 'message');
  const text = new TextEncoder().encode(input);
  if (isOtherEncoding(input) || readNotation(input) !== undefined) return text;
  throw new CommandError(`"${input}" is neither a file nor hex digits, nor Base64`);
}

async function parseMessages(bytes: Uint8Array): Promise<{ messages: readonly Node[]; binary: boolean }> {
  const [first, second] = bytes;
  // A byte order mark, which programs of Windows put before a text; the decoder removes it.
  const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  const charset = !isUtf16 ? 'utf-8' : first === 0xff ? 'utf-16le' : 'utf-16be';
  const text = new TextDecoder(charset).decode(bytes.subarray(0, limits.bytes));
  const start = text.trimStart().slice(0, 1);
  if (start === '') throw new CommandError('there is nothing to decode: the input is empty');
  if (start === '<') {
    const { xmlToNodes } = await import('../../../codec/wire/xml.ts');
    return { messages: xmlToNodes(text, limits), binary: false };
  }
  if (start === '{' && !isArrayOfBytes(text)) {
    const { jsonToNode } = await import('../../../codec/wire/json.ts');
    return { messages: [jsonToNode(text, limits)], binary: false };
  }
  const { decodeBinary } = await import('../../../codec/wire/message.ts');
  // Every TTLV message has a byte 0 in its first tag, no text in UTF-8 has one.
  const isText = isUtf16 || !bytes.subarray(0, 16).includes(0);
  const message = (isText ? readNotation(text) : undefined) ?? bytes;
  requireTtlv(message);
  return { messages: splitFrames(message).map((frame) => decodeBinary(frame, limits)), binary: true };
}

/** Whether a text on the command line is a message in XML or JSON. */
const isOtherEncoding = (text: string) => /^\s*[<{]/.test(text);

/** Whether braces hold an initialiser of C and no object of JSON. */
const isArrayOfBytes = (text: string) => /^\s*\{\s*[0-9]/.test(text);

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
      return print(nodeToXml(message).trimEnd(), 'xml');
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
