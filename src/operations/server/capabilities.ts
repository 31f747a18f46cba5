import type { CapabilityInformation } from '../../../codec/structures/query.ts';
import { quantumSafe } from '../../../profiles/quantum-safe.ts';

/**
 * Capabilities of the server beside its operations (KMIP 2.1 §7.3, 1.4 §2.1.21).
 * A change that adds or removes a capability changes its line here.
 */
export const capabilities: CapabilityInformation = {
  StreamingCapability: true,
  AsynchronousCapability: true,
  AttestationCapability: false,
  BatchUndoCapability: true,
  BatchContinueCapability: true,
  UnwrapMode: 'NotProcessed',
  // The encrypted key is deleted from its row and the attributes stay. Pages of the database are not
  // overwritten.
  DestroyAction: 'KeyMaterialDeleted',
  ShreddingAlgorithm: 'Unsupported',
  // One generator of the process serves all clients.
  RNGMode: 'SharedInstantiation',
  QuantumSafeCapability: quantumSafe.supported,
};
