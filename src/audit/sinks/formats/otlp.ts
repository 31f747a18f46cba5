import { parseAddress } from '../../../common/address.ts';
import { kindOf, type Severity, type SinkEvent, severityOf, timeOf } from './event.ts';
import type { FlatItem } from './flatten.ts';
import { formatJsonLine } from './json-lines.ts';

/** Severities of OpenTelemetry (logs data model, "SeverityNumber"). */
const severities: Readonly<Record<Severity, { readonly number: number; readonly text: string }>> = {
  informational: { number: 9, text: 'INFO' },
  notice: { number: 10, text: 'INFO2' },
  warning: { number: 13, text: 'WARN' },
  error: { number: 17, text: 'ERROR' },
};

type AnyValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly arrayValue: { readonly values: readonly AnyValue[] } };

type Attributes = Readonly<Record<string, string | number | boolean | readonly string[] | undefined | null>>;

/** What the resource of the records says. */
export interface OtlpSource {
  /** Name of this node; entries name their own. */
  readonly node: string;
  /** Of kmipd. */
  readonly version: string;
}

/**
 * Formats events as one request of OTLP/HTTP in JSON (opentelemetry-proto, `ExportLogsServiceRequest`), with
 * one resource for each node. `now`: milliseconds since 1970, the time at which the events were observed.
 */
export function formatOtlpRequest(events: readonly SinkEvent[], source: OtlpSource, now: number): string {
  const byNode = Map.groupBy(events, (event) => (event.type === 'item' ? event.item.node : source.node));
  const resourceLogs = [...byNode].map(([node, group]) => ({
    resource: {
      attributes: toAttributes({
        'service.name': 'kmipd',
        'service.version': source.version,
        'service.instance.id': node,
      }),
    },
    scopeLogs: [
      {
        scope: { name: 'kmipd.audit', version: source.version },
        logRecords: group.map((event) => toRecord(event, now)),
      },
    ],
  }));
  return JSON.stringify({ resourceLogs });
}

function toRecord(event: SinkEvent, now: number) {
  const time = timeOf(event);
  const { number, text } = severities[severityOf(event)];
  return {
    timeUnixNano: toNanoseconds(time === undefined ? 0 : Date.parse(time)),
    observedTimeUnixNano: toNanoseconds(now),
    severityNumber: number,
    severityText: text,
    eventName: `kmipd.audit.${kindOf(event)}`,
    body: { stringValue: event.type === 'checkpoint' ? event.text : summaryOf(event) },
    attributes: toAttributes(attributesOf(event)),
  };
}

function summaryOf(event: Exclude<SinkEvent, { type: 'checkpoint' }>): string {
  if (event.type === 'unreadable') return formatJsonLine(event);
  const { operation, result, reason } = event.item;
  return `${operation} ${result}${reason === null ? '' : `: ${reason}`}`;
}

/**
 * The semantic conventions of OpenTelemetry have names for the peer, the protocol, the user and the error;
 * the others begin with `kmipd.`.
 */
function attributesOf(event: SinkEvent): Attributes {
  if (event.type === 'checkpoint') return {};
  if (event.type === 'unreadable') return { 'kmipd.chain': event.chain, 'kmipd.number': event.number };
  const { item } = event;
  const peer = item.peer === undefined ? undefined : parseAddress(item.peer);
  return {
    'kmipd.chain': item.chain,
    'kmipd.number': item.number,
    'kmipd.item': item.item,
    'client.address': peer?.host ?? item.peer,
    'client.port': peer?.port,
    'network.protocol.name': item.protocolVersion === undefined ? undefined : 'kmip',
    'network.protocol.version': item.protocolVersion,
    'user.name': item.client ?? item.administrator,
    'user.roles': item.role === undefined ? undefined : [item.role],
    'error.type': item.reason,
    'kmipd.group': item.group,
    'kmipd.bearer': item.bearer,
    'kmipd.administrator': item.administrator,
    'kmipd.connection': item.connection,
    'kmipd.operation': item.operation,
    'kmipd.result': item.result,
    'kmipd.objects': item.objects,
    'kmipd.object_details': toJson(item.objectDetails),
    'kmipd.more': item.more,
    'kmipd.found': item.found,
    'kmipd.format': item.format,
    'kmipd.wrapped': item.wrapped,
    'kmipd.rule': item.rule,
    'kmipd.count': item.count,
    'kmipd.job': item.job,
    'kmipd.client_correlation': item.clientCorrelation,
    'kmipd.server_correlation': item.serverCorrelation,
    ...detailsOf(item),
  };
}

const toJson = (value: unknown) => (value === undefined ? undefined : JSON.stringify(value));

const detailsOf = ({ details = {} }: FlatItem): Attributes =>
  Object.fromEntries(Object.entries(details).map(([name, value]) => [`kmipd.details.${name}`, value]));

/** Integers of 64 bits are texts in the JSON of Protocol Buffers. */
const toNanoseconds = (milliseconds: number) => (BigInt(Math.trunc(milliseconds)) * 1_000_000n).toString();

function toAttributes(attributes: Attributes): { readonly key: string; readonly value: AnyValue }[] {
  return Object.entries(attributes).flatMap(([key, value]) => {
    if (value === undefined || value === null) return [];
    if (typeof value === 'object' && value.length === 0) return [];
    return [{ key, value: toAnyValue(value) }];
  });
}

function toAnyValue(value: string | number | boolean | readonly string[]): AnyValue {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return { arrayValue: { values: value.map(toAnyValue) } };
}
