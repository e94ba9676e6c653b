/** A user of Redis as a line of an access control list. */
import { toRules } from './grant.js';
import { type Access, accessOf, type Role } from './roles.js';

export interface UserOptions {
  prefix: string;
  /** Default `<prefix>-<role>`. */
  name?: string | undefined;
  /** SHA-256 of its password, in hexadecimal. Default: a word that Redis refuses until it is replaced. */
  passwordHash?: string | undefined;
  /** Whether it may keep what it has read: the option `cache`. */
  cache?: boolean | undefined;
}

export interface AclUser {
  name: string;
  role: Role;
  /** What stands behind the name. */
  rules: string[];
}

/** Redis takes no other hash than 64 hexadecimal digits: pasted as it stands, this lets nobody in. */
export const PASSWORD_HERE = 'SHA256-OF-ITS-PASSWORD';

export function aclUser(role: Role, { prefix, name, passwordHash, cache }: UserOptions): AclUser {
  const rules = [
    ...['reset', 'on', `#${passwordHash ?? PASSWORD_HERE}`, 'resetchannels'],
    ...accessRules(accessOf(role, prefix, cache)),
  ];
  return { name: name ?? `${prefix}-${role}`, role, rules };
}

const accessRules = ({ calls, ...access }: Access): string[] => [
  ...toRules(access),
  ...(calls ? [`(${toRules(calls).join(' ')})`] : []),
];
