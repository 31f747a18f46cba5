import { type SyslogFacility, syslogFacilities } from '../../../common/audit-sink-settings.ts';
import { kindOf, type Severity, type SinkEvent, severityOf, timeOf } from './event.ts';

/** Severities of syslog (RFC 5424 §6.2.1). */
const severities: Readonly<Record<Severity, number>> = { error: 3, warning: 4, notice: 5, informational: 6 };

/** The sender of messages. */
export interface SyslogSender {
  readonly facility: SyslogFacility;
  /** Of this machine. */
  readonly hostName: string;
  /** Of kmipd. */
  readonly version: string;
  readonly processId: number;
}

/** The highest sequenceId (RFC 5424 §7.3.1); the next one is 1. */
const maxSequence = 2_147_483_647;

/**
 * Formats a message of syslog (RFC 5424 §6). Its structured data has only elements that IANA has registered:
 * `origin` names the software and `meta` counts the messages of a process, by which a receiver sees that some
 * are missing. `sequence` counts from 0; `text` is the body, one line.
 */
export function formatSyslogMessage(
  event: SinkEvent,
  text: string,
  sequence: number,
  { facility, hostName, version, processId }: SyslogSender,
): string {
  const priority = syslogFacilities[facility] * 8 + severities[severityOf(event)];
  const head = [
    `<${priority}>1`,
    timeOf(event) ?? '-',
    toPrintable(hostName, 255),
    'kmipd',
    processId,
    toPrintable(kindOf(event), 32),
  ];
  const data =
    `[origin software="kmipd" swVersion="${escapeParameter(version)}"]` +
    `[meta sequenceId="${(sequence % maxSequence) + 1}"]`;
  return `${head.join(' ')} ${data} ${text}`;
}

/** Fields of the header have printable ASCII only, and are never empty (RFC 5424 §6). */
const toPrintable = (text: string, maxLength: number) =>
  text.replace(/[^\x21-\x7e]/g, '?').slice(0, maxLength) || '-';

/** RFC 5424 §6.3.3. */
const escapeParameter = (text: string) => text.replace(/["\\\]]/g, '\\$&');

/** Puts the length in bytes before a message (octet counting: RFC 6587 §3.4.1, RFC 5425 §4.3.1). */
export function frameByLength(message: string): Uint8Array {
  const bytes = new TextEncoder().encode(message);
  return new TextEncoder().encode(`${bytes.length} ${message}`);
}

/** Ends a message by a line feed (RFC 6587 §3.4.2); bodies are single lines. */
export function frameByLineFeed(message: string): Uint8Array {
  return new TextEncoder().encode(`${message}\n`);
}
