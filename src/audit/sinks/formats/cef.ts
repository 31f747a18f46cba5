import { isIPv4, isIPv6 } from 'node:net';
import { parseAddress } from '../../../common/address.ts';
import { type ItemEvent, kindOf, type Severity, type SinkEvent, severityOf, timeOf } from './event.ts';

/** Severities of CEF, from 0 to 10. */
const severities: Readonly<Record<Severity, number>> = {
  informational: 3,
  notice: 5,
  warning: 7,
  error: 9,
};

type Extension = readonly (readonly [key: string, value: string | number | undefined])[];

/**
 * Formats an event as one line of the Common Event Format (ArcSight CEF, version 0) without its end.
 * `version` is that of kmipd. docs/audit-sinks.md has the table of fields.
 */
export function formatCefLine(event: SinkEvent, version: string): string {
  const kind = kindOf(event);
  const header = ['CEF:0', 'kmipd', 'kmipd', version];
  const time = timeOf(event);
  const received: Extension = [['rt', time === undefined ? undefined : Date.parse(time)]];
  const severity = severities[severityOf(event)];
  if (event.type === 'item') {
    const { operation, result } = event.item;
    header.push(`${kind}:${operation}`, `${operation} ${result}`);
    return join(header, severity, [...received, ...itemExtension(event)]);
  }
  if (event.type === 'checkpoint') {
    header.push(kind, 'signed checkpoint of the audit log');
    return join(header, severity, [...received, ['cat', kind], ['msg', event.text]]);
  }
  header.push(kind, 'an entry of the audit log cannot be read');
  return join(header, severity, [
    ['cat', kind],
    ['externalId', `${event.chain}/${event.number}`],
  ]);
}

function itemExtension({ item }: ItemEvent): Extension {
  const { chain, number, details = {}, objectDetails = [] } = item;
  return [
    ['externalId', `${chain}/${number}/${item.item}`],
    ['cat', item.kind],
    ['act', item.operation],
    ['outcome', item.result],
    ['reason', item.reason ?? undefined],
    ['cnt', item.count],
    ['app', item.protocolVersion === undefined ? undefined : `KMIP ${item.protocolVersion}`],
    ['dvchost', item.node],
    ...peerExtension(item.peer),
    ['suser', item.client ?? item.administrator],
    ['spriv', item.role],
    ...labelled('cs1', 'objects', listOf(item.objects)),
    ...labelled('cs2', 'group', item.group),
    ...labelled('cs3', 'rule', item.rule),
    ...labelled('cs4', 'connection', item.connection),
    ...labelled(
      'cs5',
      'objectDetails',
      objectDetails.length === 0 ? undefined : JSON.stringify(objectDetails),
    ),
    ...labelled('cs6', 'details', detailsOf(item, details)),
    ...labelled('cn1', 'found', item.found),
    ...labelled('cn2', 'furtherObjects', item.more),
  ];
}

/** A comma within an identifier, which a client may have asked for, begins no other one. */
const listOf = (texts: readonly string[]) =>
  texts.length === 0 ? undefined : texts.map((text) => text.replace(/[%,]/g, encodeURIComponent)).join(',');

/** What CEF has no field for, as JSON. */
function detailsOf(item: ItemEvent['item'], details: object): string | undefined {
  const { administrator, bearer, format, wrapped, job, clientCorrelation, serverCorrelation } = item;
  const all = {
    ...(item.client === null ? {} : { administrator }),
    ...{ bearer, format, wrapped, job, clientCorrelation, serverCorrelation },
    ...details,
  };
  const text = JSON.stringify(all);
  return text === '{}' ? undefined : text;
}

/** CEF has one field for IPv4 addresses and another one, with a label, for IPv6. */
function peerExtension(peer: string | undefined): Extension {
  const address = peer === undefined ? undefined : parseAddress(peer);
  if (address === undefined) return [['shost', peer]];
  const { host, port } = address;
  if (isIPv4(host))
    return [
      ['src', host],
      ['spt', port],
    ];
  if (isIPv6(host)) return [...labelled('c6a2', 'Source IPv6 Address', host), ['spt', port]];
  return [
    ['shost', host],
    ['spt', port],
  ];
}

const labelled = (key: string, label: string, value: string | number | undefined): Extension => [
  [key, value],
  [`${key}Label`, value === undefined ? undefined : label],
];

function join(header: readonly string[], severity: number, extension: Extension): string {
  const fields = extension.flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${escapeValue(String(value))}`],
  );
  const [signature = '', ...rest] = header;
  return [signature, ...rest.map(escapeHeader), severity, fields.join(' ')].join('|');
}

/** In the header backslash and pipe are escaped, and a line has no break. */
const escapeHeader = (text: string) => text.replace(/[\\|]/g, '\\$&').replace(/[\r\n\u2028\u2029]+/g, ' ');

/** In the extension backslash and equals sign are escaped, and breaks of lines become \n and \r. */
const escapeValue = (text: string) =>
  text.replace(/[\\=]/g, '\\$&').replace(/\n/g, '\\n').replace(/\r/g, '\\r');
