/**
 * CKA_LABEL of a key that is a managed object: `kmipd OWNER TIME`. The owner is the database that knows the
 * key, so that several may share a token; by the time a key that is being made is told from one that nobody
 * knows.
 */
export interface KeyLabel {
  /** 16 hexadecimal digits. */
  readonly owner: string;
  /** POSIX seconds. */
  readonly made: number;
}

export const keyLabelPrefix = 'kmipd ';

export function formatKeyLabel({ owner, made }: KeyLabel): string {
  return `${keyLabelPrefix}${owner} ${made}`;
}

/** Undefined for a label that is none of `formatKeyLabel`. */
export function parseKeyLabel(label: string): KeyLabel | undefined {
  const [, owner, made] = /^kmipd ([0-9a-f]{16}) (\d{1,12})$/.exec(label) ?? [];
  return owner === undefined ? undefined : { owner, made: Number(made) };
}
