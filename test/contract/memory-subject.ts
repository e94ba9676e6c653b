// The repository in memory as a subject of the contract suite.
import { MemoryTokenRepository } from '../../src/memory/repository.js';
import { buildCommand } from '../../src/tokens/commands.js';
import type { Subject, SubjectOptions } from './subject.js';
import { scatteredId } from './world.js';

export async function openMemorySubject(options: SubjectOptions): Promise<Subject> {
  const repository = new MemoryTokenRepository(options);
  return {
    repository,
    advance: async (ms) => repository.advance(ms / 1_000),
    events: async () => [...repository.events],
    contents: async () => repository.indexed,
    fillMarks: async (count, issuedAt) => {
      const job = { queue: 'revocations', id: 'flood', issuedAt };
      const scope = { app: 'shop', type: 'session' };
      for (let i = 0; i < count; i++) {
        const command = buildCommand('delete', { issuedAt, ...scope, id: scatteredId() });
        await repository.delete(command, { until: Number.MAX_SAFE_INTEGER, job, commandId: String(i) });
      }
    },
    close: () => repository.close(),
  };
}
