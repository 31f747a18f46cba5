/**
 * The attributes that have a column of their own, by which Locate compares them: they occur once, on most
 * objects, and are numbers (enumerations, masks, POSIX seconds, 1 and 0). Whoever reads the database reads
 * them; docs/storage.md lists them. All others are found by terms.
 */
export const objectColumns = {
  ObjectType: 'type_number',
  State: 'state',
  CryptographicAlgorithm: 'algorithm',
  CryptographicLength: 'length',
  CryptographicUsageMask: 'usage_mask',
  CertificateType: 'certificate_type',
  Sensitive: 'sensitive',
  Extractable: 'extractable',
  Fresh: 'fresh',
  InitialDate: 'initial_date',
  ActivationDate: 'activation_date',
  ProcessStartDate: 'process_start_date',
  ProtectStopDate: 'protect_stop_date',
  DeactivationDate: 'deactivation_date',
  DestroyDate: 'destroy_date',
  CompromiseOccurrenceDate: 'compromise_occurrence_date',
  CompromiseDate: 'compromise_date',
  ArchiveDate: 'archive_date',
  LastChangeDate: 'last_change_date',
  OriginalCreationDate: 'original_creation_date',
} as const;

/** KMIP name of an attribute with a column. */
export type ColumnName = keyof typeof objectColumns;

/** The columns by which a search can start, in the order of their values. */
export const indexedColumns: readonly ColumnName[] = ['InitialDate', 'ActivationDate', 'DeactivationDate'];
