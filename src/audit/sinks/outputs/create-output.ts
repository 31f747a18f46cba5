import type { AuditSinkSettings, sinkFormats } from '../../../common/audit-sink-settings.ts';
import { formatCefLine } from '../formats/cef.ts';
import type { SinkEvent } from '../formats/event.ts';
import { formatJsonLine } from '../formats/json-lines.ts';
import { formatOtlpRequest } from '../formats/otlp.ts';
import { FileOutput } from './file-output.ts';
import { type HttpBody, HttpOutput } from './http-output.ts';
import type { SinkOutput } from './output.ts';
import { SyslogOutput } from './syslog-output.ts';

/** What outputs say of this daemon. */
export interface OutputSource {
  /** Name of this node. */
  readonly node: string;
  readonly hostName: string;
  /** Of kmipd. */
  readonly version: string;
}

/** Creates the output of a sink. Nothing is opened before the first attempt to deliver. */
export function createOutput(settings: AuditSinkSettings, source: OutputSource): SinkOutput {
  const { version, hostName } = source;
  switch (settings.type) {
    case 'file':
      return new FileOutput(settings.path, lineFormat(settings.format, version));
    case 'syslog':
      return new SyslogOutput(settings, lineFormat(settings.format, version), {
        ...{ hostName, version, processId: process.pid },
      });
    case 'https':
      return new HttpOutput(settings, jsonLinesBody, version);
    case 'otlp':
      return new HttpOutput(settings, otlpBody(source), version);
  }
}

const lineFormat = (format: (typeof sinkFormats)[number], version: string) =>
  format === 'cef' ? (event: SinkEvent) => formatCefLine(event, version) : formatJsonLine;

const jsonLinesBody: HttpBody = {
  contentType: 'application/x-ndjson',
  format: (events) => events.map((event) => `${formatJsonLine(event)}\n`).join(''),
  findProblem: () => undefined,
};

const otlpBody = (source: OutputSource): HttpBody => ({
  contentType: 'application/json',
  format: (events) => formatOtlpRequest(events, source, Date.now()),
  findProblem: findRejectedRecords,
});

/** OTLP confirms a part of a request with status 200, and the number of those that it rejects. */
function findRejectedRecords(response: string): string | undefined {
  let rejected: unknown;
  try {
    const { partialSuccess } = JSON.parse(response || '{}') as { partialSuccess?: Record<string, unknown> };
    rejected = partialSuccess?.['rejectedLogRecords'];
  } catch {
    // A collector that answers 200 with something else has taken the request.
  }
  const count = Number(rejected ?? 0);
  return count > 0 ? `the collector rejects ${count} records` : undefined;
}
