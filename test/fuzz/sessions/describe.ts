import type { Version } from '../../../codec/version.ts';
import type { PlainRequest } from './draw.ts';
import type { PlainAnswer } from './exchange.ts';
import type { Step } from './steps.ts';

/** Returns the lines that describe one message and its answers to a person. */
export function describeStep(
  { step, version, ticket }: { readonly step: Step; readonly version: Version; readonly ticket: number },
  requests: readonly PlainRequest[],
  answers: readonly PlainAnswer[],
): string[] {
  const { client, option, isJob, size, trouble } = step;
  const head = [
    client,
    version,
    ...(requests.length > 1 || option === 'Undo' ? [option] : []),
    ...(isJob ? ['as a job'] : []),
    ...(ticket > 0 ? [`by ticket ${ticket}`] : []),
    ...(size > 0 ? [`at most ${size} bytes`] : []),
    ...(trouble === 'none' ? [] : [trouble]),
  ];
  return [
    head.join(', '),
    ...requests.map(({ operation, request }, at) => {
      const answer = answers[at];
      const result = answer === undefined ? 'no answer' : `${answer.reason ?? answer.status}`;
      const payload = answer?.payloadNode?.type === 'Structure' && answer.payloadNode.value.length > 0;
      return `    ${operation} ${textOf(request)} → ${result}${payload ? ', payload' : ''}${answer?.message === undefined ? '' : ` (${answer.message})`}`;
    }),
  ];
}

function textOf(value: unknown): string {
  if (value instanceof Uint8Array)
    return value.length <= 8 ? `0x${value.toHex()}` : `${value.length} bytes ${value.toHex().slice(0, 8)}…`;
  if (Array.isArray(value)) return `[${value.map(textOf).join(', ')}]`;
  if (typeof value === 'object' && value !== null) return structureText(value as Record<string, unknown>);
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}

function structureText(value: Record<string, unknown>): string {
  if ('name' in value && 'value' in value) return `${String(value['name'])}=${textOf(value['value'])}`;
  const fields = Object.entries(value).filter(([, each]) => each !== undefined);
  return `{${fields.map(([name, each]) => `${name}: ${textOf(each)}`).join(', ')}}`;
}
