import type { Address } from './address.ts';

/** Settings of the sinks of the audit log: the tables `[[audit.sinks]]` of the configuration. */

export const sinkFormats = ['json', 'cef'] as const;

/** What happens while entries cannot be written, or a sink has not taken one within its deadline. */
export const failureModes = ['refuse', 'alarm'] as const;

/** Facilities of syslog with their codes (RFC 5424 §6.2.1). */
export const syslogFacilities = {
  ...{ kern: 0, user: 1, mail: 2, daemon: 3, auth: 4, syslog: 5, lpr: 6, news: 7, uucp: 8, cron: 9 },
  ...{ authpriv: 10, ftp: 11, ntp: 12, audit: 13, alert: 14, clock: 15 },
  ...{ local0: 16, local1: 17, local2: 18, local3: 19, local4: 20, local5: 21, local6: 22, local7: 23 },
} as const;

export type SyslogFacility = keyof typeof syslogFacilities;

/** What each sink has, whatever its type. */
interface CommonSinkSettings {
  /** A plain name, unique among the sinks. */
  readonly name: string;
  /** Whether the sink gets the entries. */
  readonly records: boolean;
  /** Whether the sink gets the signed checkpoints. */
  readonly checkpoints: boolean;
  /** `refuse`: kmipd refuses service meanwhile; `alarm`: it goes on, and what is lost is recorded. */
  readonly onFailure: (typeof failureModes)[number];
  /** Seconds that an entry may wait. */
  readonly deadlineSeconds: number;
  /** Seconds that one attempt to deliver may take. */
  readonly timeoutSeconds: number;
  /** Entries that may wait. */
  readonly maxBacklog: number;
}

/** Files for connections by TLS; absolute paths. */
export interface SinkTlsFiles {
  /** Trusted authorities (PEM); undefined: those of Node. */
  readonly ca: string | undefined;
  /** Certificate of the client (PEM); undefined: none. */
  readonly certificate: string | undefined;
  /** Private key of that certificate (PEM). */
  readonly key: string | undefined;
}

export interface FileSinkSettings extends CommonSinkSettings {
  readonly type: 'file';
  readonly format: (typeof sinkFormats)[number];
  /** An absolute path. */
  readonly path: string;
}

/** Where a syslog server listens. */
export type SyslogAddress =
  | { readonly transport: 'unix'; readonly path: string }
  | ({ readonly transport: 'tcp' | 'tls' } & Address);

export interface SyslogSinkSettings extends CommonSinkSettings, SinkTlsFiles {
  readonly type: 'syslog';
  readonly format: (typeof sinkFormats)[number];
  readonly address: SyslogAddress;
  readonly facility: SyslogFacility;
}

export interface HttpSinkSettings extends CommonSinkSettings, SinkTlsFiles {
  /** `https`: JSON lines; `otlp`: logs of OpenTelemetry. */
  readonly type: 'https' | 'otlp';
  /** An `https:` URL, or an `http:` URL of this machine; no user, no password. */
  readonly url: string;
  /** File with a bearer token. */
  readonly tokenFile: string | undefined;
}

export type AuditSinkSettings = FileSinkSettings | SyslogSinkSettings | HttpSinkSettings;
