/** What a user of Redis may do: the words that an access control list is made of. */

/** Such as `get`, or `client|id` where only that part of a command is meant. */
export type CommandName = string;

/** Several, with spaces between. */
export const commands = (names: string): CommandName[] => names.split(' ');

export interface Grant {
  commands: readonly CommandName[];
  /** Globs of keys that these commands may read, and of those that they may write, too. */
  reads?: readonly string[];
  writes?: readonly string[];
  /** Globs of channels. One that is subscribed to as a pattern has to stand here to the letter. */
  channels?: readonly string[];
}

const unique = (words: readonly string[] = []): string[] => [...new Set(words)].sort();

/** Several as one. */
export function together(grants: readonly Grant[]): Grant {
  const all = (part: 'commands' | 'reads' | 'writes' | 'channels') =>
    unique(grants.flatMap((grant) => grant[part] ?? []));
  const writes = all('writes');
  const reads = all('reads').filter((key) => !writes.includes(key));
  return { commands: all('commands'), reads, writes, channels: all('channels') };
}

/** As Redis reads it. */
export const toRules = ({ commands, reads = [], writes = [], channels = [] }: Grant): string[] => [
  ...reads.map((key) => `%R~${key}`),
  ...writes.map((key) => `~${key}`),
  ...channels.map((channel) => `&${channel}`),
  ...commands.map((command) => `+${command}`),
];
