/** What a worker traces with, where it is asked to: until then nothing of it is loaded. */
import type { QueueTelemetry } from '../queue/telemetry.js';
import { ConfigError } from '../tokens/errors.js';

/** @throws {ConfigError} where its packages, which are the user's to install, are missing. */
export async function loadTelemetry(): Promise<QueueTelemetry> {
  try {
    const { openTelemetry } = await import('../telemetry/index.js');
    return openTelemetry();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    const message = 'telemetry needs what is not installed: npm install @opentelemetry/api bullmq-otel';
    throw new ConfigError(message, { cause: error });
  }
}
