import type { Version } from '../../codec/version.ts';
import { WireError } from '../../codec/wire-error.ts';
import { defaultLimits } from '../../src/common/limits.ts';
import { type Encoding, encodings } from '../../src/net/https-encodings.ts';
import { encode } from '../client.ts';
import { mutate } from './mutate.ts';
import type { Random } from './random.ts';
import { mediaTypes, mutateText, readText, spelled, type TextForm, textForms } from './texts.ts';

/** One thing to say, in TTLV or as text. */
export interface Saying {
  readonly form: 'ttlv' | TextForm;
  readonly body: Uint8Array;
}

/** A mutant of the corpus as text: of the bytes before they are spelled, of the text, or of both. */
export function textSaying(corpus: readonly Uint8Array[], random: Random): Saying {
  const form = random.pick(textForms);
  const message = random.chance(35) ? mutate(corpus, random) : random.pick(corpus);
  const text = spelled(message, form, random) ?? spelled(random.pick(corpus), form, random) ?? '';
  return { form, body: mutateText(text, form, random) };
}

/** The service as a door has it. */
interface Spoken {
  respond(message: Uint8Array): Promise<Uint8Array>;
  refuseFraming(reason: string, version: Version | undefined): Uint8Array;
}

export interface Heard {
  /** The message that the service got; empty when the body was none. */
  readonly message: Uint8Array;
  /** Its answer, before it was spelled. */
  readonly response: Uint8Array;
  readonly problem?: string;
}

/** Says something as the door for HTTPS would, without HTTP, and reads the answer as its client would. */
export async function say({ form, body }: Saying, service: Spoken): Promise<Heard> {
  const encoding = encodings.get(mediaTypes[form]) as Encoding;
  let message: Uint8Array;
  try {
    message = encoding.toBinary(body, defaultLimits);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    const response = service.refuseFraming(error.message, encoding.guessVersion(body));
    return { message: new Uint8Array(0), response, ...fault(form, response, encoding) };
  }
  const kept = message.slice();
  const response = await service.respond(message);
  return { message: kept, response, ...fault(form, response, encoding) };
}

/** What a client makes of the answer must be what the service said. */
function fault(form: Saying['form'], response: Uint8Array, encoding: Encoding): { problem?: string } {
  if (form === 'ttlv') return {};
  let read: Uint8Array;
  try {
    read = encode(readText(encoding.fromBinary(response.slice()), form));
  } catch (error) {
    return { problem: `the answer is no ${form}: ${String(error)}` };
  }
  return Buffer.compare(read, response) === 0 ? {} : { problem: `the answer has become another in ${form}` };
}
