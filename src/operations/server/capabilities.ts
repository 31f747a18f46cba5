import type { CapabilityInformation } from '../../../codec/structures/query.ts';
import { quantumSafe } from '../../../profiles/quantum-safe.ts';

/**
 * What the server can do beyond its list of operations (KMIP 2.1 §7.3, 1.4 §2.1.21), said in this one place: whoever
 * builds or takes away one of these changes its line.
 */
export const capabilities: CapabilityInformation = {
  StreamingCapability: true,
  AsynchronousCapability: true,
  AttestationCapability: false,
  BatchUndoCapability: true,
  BatchContinueCapability: true,
  UnwrapMode: 'NotProcessed',
  // The sealed key leaves its row; what is left are attributes. Pages of the database are not overwritten.
  DestroyAction: 'KeyMaterialDeleted',
  ShreddingAlgorithm: 'Unsupported',
  // One generator of the process serves all clients.
  RNGMode: 'SharedInstantiation',
  QuantumSafeCapability: quantumSafe.supported,
};
