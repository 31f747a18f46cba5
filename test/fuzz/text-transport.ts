import type { Version } from '../../codec/version.ts';
import { BinaryReader } from '../../codec/wire/binary-reader.ts';
import { type Node, readNode } from '../../codec/wire/node.ts';
import { WireError } from '../../codec/wire-error.ts';
import { defaultLimits } from '../../src/common/limits.ts';
import { type Encoding, encodings } from '../../src/net/https-encodings.ts';
import { encode } from '../client.ts';
import { mutate } from './mutate.ts';
import type { Random } from './random.ts';
import { mediaTypes, mutateText, readText, type TextForm, textForms, toText } from './texts.ts';

/** A message to submit, in TTLV or as text. */
export interface Submission {
  readonly form: 'ttlv' | TextForm;
  readonly body: Uint8Array;
}

/** A mutant of the corpus as text: of the bytes before they are spelled, of the text, or of both. */
export function textSubmission(corpus: readonly Uint8Array[], random: Random): Submission {
  const form = random.pick(textForms);
  const message = random.chance(35) ? mutate(corpus, random) : random.pick(corpus);
  const text = toText(message, form, random) ?? toText(random.pick(corpus), form, random) ?? '';
  return { form, body: mutateText(text, form, random) };
}

/** The service as a transport calls it. */
interface FramedService {
  respond(message: Uint8Array): Promise<Uint8Array>;
  refuseFraming(reason: string, version: Version | undefined): Uint8Array;
}

export interface Exchange {
  /** The message that the service received; empty if the body was none. */
  readonly message: Uint8Array;
  /** Its response, before the conversion to text. */
  readonly response: Uint8Array;
  readonly problem?: string;
}

/** Submits a message as the HTTPS transport does, without HTTP, and reads the response as its client does. */
export async function submit({ form, body }: Submission, service: FramedService): Promise<Exchange> {
  const encoding = encodings.get(mediaTypes[form]) as Encoding;
  let message: Uint8Array;
  try {
    message = await encoding.toTtlv(body, defaultLimits);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    const response = service.refuseFraming(error.message, encoding.guessVersion(body));
    return { message: new Uint8Array(0), response, ...responseFault(form, response, encoding) };
  }
  const kept = message.slice();
  const response = await service.respond(message);
  return { message: kept, response, ...responseFault(form, response, encoding) };
}

/** A problem if the text that the client reads differs from the response of the service. */
function responseFault(
  form: Submission['form'],
  response: Uint8Array,
  encoding: Encoding,
): { problem?: string } {
  if (form === 'ttlv') return {};
  let read: Uint8Array;
  try {
    read = encode(readText(encoding.fromTtlv(response.slice()), form));
  } catch (error) {
    return { problem: `the answer is no ${form}: ${String(error)}` };
  }
  const sent = form === 'xml' ? encode(representable(readNode(new BinaryReader(response)))) : response;
  return Buffer.compare(read, sent) === 0 ? {} : { problem: `the response differs in ${form}` };
}

/** The tree as XML 1.0 can carry it: no text can have control characters, not even escaped. */
function representable(node: Node): Node {
  if (node.type === 'Structure') return { ...node, value: node.value.map(representable) };
  if (node.type !== 'TextString') return node;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the characters that XML excludes
  const value = node.value.replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd');
  return { ...node, value };
}
