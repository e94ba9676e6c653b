/** What a worker's process has to say: lines for whoever watches its terminal, or one JSON object a line. */
import { type Logger, pino } from 'pino';
import { printable } from './printable.js';
import type { Settings } from './settings.js';

/** What a line tells besides its message. Nothing secret goes in here. */
export type LogFields = Record<string, string | number | boolean | undefined>;

export interface Log {
  /** @param event what has happened, by a name that does not change. @param text more words for a terminal. */
  info(event: string, message: string, fields?: LogFields, text?: string): void;
  /** What an operator is advised to see to, although nothing is wrong now. */
  advise(event: string, message: string, fields?: LogFields): void;
  /** What an operator may have to see to. */
  warn(event: string, message: string, fields?: LogFields): void;
  /** What was lost, or given up. */
  error(event: string, message: string, fields?: LogFields): void;
}

export function openLog(format: Settings['log']): Log {
  const isText = format === 'text' || (format === 'auto' && process.stdout.isTTY === true);
  return isText ? TEXT_LOG : jsonLog();
}

const TEXT_LOG: Log = {
  info: (_, message, __, text = `${message}\n`) => process.stdout.write(text),
  advise: (_, message) => process.stdout.write(`advice: ${printable(message)}\n`),
  warn: (_, message) => complain(message),
  error: (_, message) => complain(message),
};

function complain(message: string): void {
  process.stderr.write(`redis-tokens: ${printable(message.replaceAll(/\s+/g, ' '))}\n`);
}

function jsonLog(): Log {
  const logger: Logger = pino(
    {
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
    },
    process.stdout, // written at once: what is said last is not lost
  );
  const warn: Log['warn'] = (event, message, fields) => logger.warn({ event, ...fields }, message);
  return {
    info: (event, message, fields) => logger.info({ event, ...fields }, message),
    advise: warn,
    warn,
    error: (event, message, fields) => logger.error({ event, ...fields }, message),
  };
}
